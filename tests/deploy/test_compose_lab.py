"""The stack of docker-compose.yml, really built, started, loaded, restarted and removed.

`make test-deploy` runs it; two to three minutes where images and packages are at hand.
"""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from fovea import Client
from tests.deploy.compose import BASE, GPU, LASTING
from tests.deploy.lab import PICTURE, PROJECT, Lab, free_port, leftovers, load, missing, run

WHY_NOT = missing()
pytestmark = [
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
    pytest.mark.timeout(1800),  # a first build fetches a gigabyte
]
IMAGES = ("fovea/gateway:0.1.0", "fovea/exporter:0.1.0", "fovea/triton-cpu:0.1.0")
LARGEST_GATEWAY_BYTES = 250_000_000
SCRAPED_SECONDS = 40  # two scrapes and some


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    stack = Lab(free_port())
    stack.down()
    stack.compose("build")
    stack.compose("up", "--detach", "--wait", "--wait-timeout", "300")
    yield stack
    stack.down()


def test_a_prediction_comes_through_the_published_port(lab):
    with Client(lab.url) as client:
        answer = client.predict(PICTURE, model="mbv2_simam")
        assert answer.predictions[0].label == "no_parking_sign"
        scene = client.predict("docs/images/scene.jpg", model="retinanet_mbv2_simam")
        assert len(scene.detections) >= 1


def test_the_gateways_image_is_small_and_has_no_torch(lab):
    (image,) = json.loads(run("docker", "image", "inspect", IMAGES[0]).stdout)
    assert image["Size"] < LARGEST_GATEWAY_BYTES
    assert image["Config"]["User"] == "10001:10001"
    found = lab.python("gateway", "from importlib.util import find_spec as f; print(f('torch'))")
    assert found == "None"
    tools = "import shutil; print([t for t in ('pip', 'gcc', 'curl') if shutil.which(t)])"
    assert lab.python("gateway", tools) == "[]"


@pytest.mark.parametrize(("service", "user"), [("gateway", "10001"), ("triton", "1000")])
def test_a_container_is_nobody_and_writes_nowhere(lab, service, user):
    program = (
        "import os\n"
        "status = open('/proc/self/status').read()\n"
        "caps = [l.split()[1] for l in status.splitlines() if l.startswith(('CapEff', 'CapBnd'))]\n"
        "print(os.getuid(), *{int(cap, 16) for cap in caps}, os.access('/opt', os.W_OK))\n"
        "open('/opt/here', 'w')\n"
    )
    said = lab.python(service, f"try:\n exec({program!r})\nexcept OSError as e: print(e.errno)")
    assert said.split() == [user, "0", "False", "30"]  # EROFS


def test_only_the_gateway_is_published(lab):
    ports = {name: lab.inspect(name)["NetworkSettings"]["Ports"] or {} for name in LASTING}
    published = [
        (name, one) for name in LASTING for bound in ports[name].values() for one in bound or ()
    ]
    assert published == [("gateway", {"HostIp": "127.0.0.1", "HostPort": str(lab.port)})]


def test_triton_tells_others_nothing_but_its_health(lab):
    program = (
        "import urllib.request as u, urllib.error as e\n"
        "for path in ('/v2/health/ready', '/v2', '/v2/models/mbv2_simam/config'):\n"
        "  try: print(u.urlopen('http://triton:8000' + path, timeout=5).status)\n"
        "  except e.HTTPError as error: print(error.code)\n"
    )
    assert lab.python("gateway", program).split() == ["200", "403", "403"]


def test_no_secret_can_be_read_from_outside(lab):
    secret = lab.python("gateway", "print(open('/run/fovea/secret').read())")
    seen = lab.compose("config") + lab.compose("logs", "--no-color")
    for name in IMAGES:
        seen += run("docker", "history", "--no-trunc", name).stdout
    for name in LASTING:
        seen += json.dumps(lab.inspect(name)["Config"])
    password = lab.compose("exec", "-T", "grafana", "cat", "/run/fovea/password").strip()
    assert len(password) >= 32
    assert password not in seen
    assert secret.partition("=")[2] not in seen


def test_limits_are_the_engines_too(lab):
    host = lab.inspect("gateway")["HostConfig"]
    assert (host["NanoCpus"], host["Memory"], host["PidsLimit"]) == (10**9, 1 << 30, 256)
    assert lab.inspect("triton")["HostConfig"]["ShmSize"] == 256 << 20


def test_prometheus_finds_every_target_and_grafana_its_boards(lab):
    end = time.monotonic() + SCRAPED_SECONDS
    while (down := [line for line in lab.query("up") if "=> 1 @" not in line]) or not lab.query(
        'up{job="gateway"}'
    ):
        assert time.monotonic() < end, down
        time.sleep(2)
    assert len(lab.query("up")) >= 3
    asked = ("wget", "-q", "-O", "-", "http://127.0.0.1:3000/api/health")
    assert '"database": "ok"' in lab.compose("exec", "-T", "grafana", *asked).replace('":"', '": "')


def test_load_is_answered_and_counted(lab):
    with load(lab.url) as outcome:
        time.sleep(8)
    assert outcome.failures == []
    assert outcome.answers > 50
    end = time.monotonic() + SCRAPED_SECONDS
    while not any("=> 0 @" not in line for line in lab.query("sum(fovea_requests_total)")):
        assert time.monotonic() < end
        time.sleep(2)


def answered_by_the_gateway(lab: Lab) -> int:
    lines = lab.compose("logs", "--no-log-prefix", "gateway").splitlines()
    return sum('"POST /predict"' in line and '"status": 200' in line for line in lines)


def test_a_caller_who_tries_again_does_not_notice_a_restart(lab):
    answered = answered_by_the_gateway(lab)
    with load(lab.url, retries=30) as outcome:
        time.sleep(2)
        lab.compose("restart", "gateway")
        lab.compose("up", "--detach", "--wait")
        before = outcome.answers
        time.sleep(3)
    assert outcome.failures == []
    assert outcome.answers > before
    assert answered_by_the_gateway(lab) - answered == outcome.answers  # none was lost on its way
    state = lab.inspect("gateway")["State"]
    assert state["Health"]["Status"] == "healthy"


def test_workers_are_replaced_without_a_failure_for_anybody(lab, tmp_path):
    override = tmp_path / "workers.yml"
    override.write_text('services: {gateway: {environment: {FOVEA_WORKERS: "2"}}}\n')
    lab.compose("-f", str(override), "up", "--detach", "--wait")
    with load(lab.url) as outcome:
        time.sleep(2)
        lab.compose("kill", "--signal", "SIGUSR2", "gateway")
        time.sleep(12)
    assert outcome.failures == []
    lab.compose("up", "--detach", "--wait")


def test_a_second_start_exports_nothing(lab):
    lab.compose("up", "--detach", "--wait")
    last = lab.compose("logs", "--no-log-prefix", "exporter").splitlines()[-2:]
    assert all(line.endswith("_simam: up to date") for line in last)


def test_the_gpu_stack_asks_the_engine_for_a_gpu(lab):
    stack = ("docker", "compose", "-p", f"{PROJECT}-gpu", "-f", BASE, "-f", GPU)
    own = {"TRITON_IMAGE": IMAGES[2], "TRITON_CPUS": "1"}  # NVIDIA's is for machines with a GPU
    try:
        assert run(*stack, "create", "triton", **own).returncode == 0
        name = run(*stack, "ps", "--all", "--quiet", "triton", **own).stdout.strip()
        (triton,) = json.loads(run("docker", "inspect", name).stdout)
        (asked,) = triton["HostConfig"]["DeviceRequests"]
        assert (asked["Driver"], asked["Count"]) == ("nvidia", 1)
        assert asked["Capabilities"] == [["gpu"]]
        assert triton["HostConfig"]["Tmpfs"] == {"/tmp": "mode=1777,size=256m"}
        assert triton["Config"]["User"] == "1000:1000"
    finally:
        run(*stack, "down", "--volumes", **own)


def test_a_stack_that_is_taken_down_leaves_nothing(lab):
    lab.down()
    assert set(leftovers().values()) == {""}
    assert PROJECT not in run("docker", "ps", "-a").stdout
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{lab.url}/healthz")
