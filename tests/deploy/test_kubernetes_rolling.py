"""On a running stack: a route is handed over, or back, and demand is measured by what there is."""

import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from k8s.scripts.roll_model import DATA, RENDER, RollError, shares
from tests.deploy.kubernetes import named, needs_kubectl
from tests.e2e.stack import ROOT, Stack, serve

OLD, NEW = "mbv2_simam", "mbv2_none"
PHOTO = (ROOT / "docs/images/no_parking.jpg").read_bytes()
JPEG = {"content-type": "image/jpeg"}
ROUTES = """# kept
[defaults]
classification = "signs"

[routes.signs]
fallback = ["mbv2_simam"] # kept
to = "mbv2_simam" # not kept
fallback_when = ["broken"]

[routes.other]
to = { "mbv2_simam" = 1 }
"""


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("routes") / "routes.toml"
    file.write_text(f'[routes.signs]\nto = "{OLD}"\n')
    return file


@pytest.fixture(scope="module")
def stack(routes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    log = tmp_path_factory.mktemp("rolling") / "log"
    settings = {"FOVEA_ROUTES_FILE": str(routes), "FOVEA_CATALOG_REFRESH_SECONDS": "0.5"}
    with serve(log, f"{OLD},{NEW}", **settings) as running:
        yield running


@contextmanager
def asked_without_pause(stack: Stack, callers: int = 2) -> Iterator[Counter[str]]:
    """What callers of the route get: the model that answers, or the text of a refusal."""
    seen: Counter[str] = Counter()
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=stack.url, timeout=60) as own:
            while not over.is_set():
                answer = own.post(
                    "/predict", params={"model": "signs"}, content=PHOTO, headers=JPEG
                )
                seen[answer.json()["model"] if answer.status_code == 200 else answer.text] += 1

    threads = [threading.Thread(target=ask) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def roll(
    stack: Stack, routes: Path, target: str, *options: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "k8s/scripts/roll_model.py", "signs", target]
    command += ["--routes", str(routes), "--gateway", stack.url, "--steps", "50,100"]
    command += ["--hold-seconds", "3", "--min-answers", "5", *options]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_route_is_handed_over_and_no_request_is_lost(stack: Stack, routes: Path) -> None:
    with asked_without_pause(stack) as seen:
        done = roll(stack, routes, NEW)
        assert (done.returncode, done.stderr) == (0, "")
        before = seen[OLD]
        stack.wait(lambda: seen[NEW] > 20, 60, "answers of the new model")
        after = seen[OLD]
    assert [line.split()[2] for line in done.stdout.splitlines()] == ["0", "50", "100"]
    assert set(seen) == {OLD, NEW}
    assert after - before <= 2  # what was under way
    assert routes.read_text() == f'[routes.signs]\nto = {{ "{NEW}" = 100 }}\n'


@pytest.mark.parametrize(
    ("target", "why"),
    [("mbv2_nowhere", "cannot be asked"), (f"{OLD}@7", "cannot be asked")],
)
def test_a_target_that_is_not_there_gets_nothing(
    stack: Stack, routes: Path, target: str, why: str
) -> None:
    before = routes.read_text()
    done = roll(stack, routes, target)
    assert done.returncode == 1
    assert why in done.stderr
    assert routes.read_text() == before


def test_without_callers_nothing_is_handed_over(stack: Stack, routes: Path) -> None:
    before = routes.read_text()
    done = roll(stack, routes, OLD, "--hold-seconds", "1")
    assert (done.returncode, "say too little" in done.stderr) == (1, True)
    assert routes.read_text() == before


def test_a_target_that_fails_gets_no_more(stack: Stack, routes: Path) -> None:
    before = routes.read_text()
    with asked_without_pause(stack, callers=1):
        done = roll(stack, routes, OLD, "--max-error-share", "-1")  # which any answer exceeds
    assert done.returncode == 1
    assert "failed at 50 %" in done.stderr
    assert routes.read_text() == before

    def targets() -> list[str]:
        shown = httpx.get(f"{stack.url}/routes").json()
        return [target["target"] for target in shown["routes"][0]["to"]]

    stack.wait(lambda: targets() == [NEW], 10, "the old file")


@needs_kubectl
def test_demand_is_measured_by_series_that_triton_has(stack: Stack) -> None:
    page = httpx.get(f"http://127.0.0.1:{stack.triton_port('metrics')}/metrics").text
    triggers = named("keda", "ScaledObject", "triton")["spec"]["triggers"]
    # Each is what is asked of all pods, and KEDA divides it by their number.
    assert {trigger["metricType"] for trigger in triggers} == {"AverageValue"}
    series = re.findall(r"\bnv_\w+", " ".join(one["metadata"]["query"] for one in triggers))
    assert len(series) == 3
    assert all(f"\n{name}{{" in page for name in series)


@needs_kubectl
def test_the_file_goes_out_as_the_map_that_pods_mount(routes: Path) -> None:
    command = ["kubectl", "create", "configmap", "fovea-routes", *RENDER, f"{DATA}={routes}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    made, there = yaml.safe_load(done.stdout), named("cpu", "ConfigMap", "fovea-routes")
    assert made["metadata"]["name"] == there["metadata"]["name"]
    assert list(made["data"]) == list(there["data"])


def test_shares_change_one_line() -> None:
    text = shares(ROUTES, "signs", "mbv2_none@2", 5)
    assert text == ROUTES.replace(
        'to = "mbv2_simam" # not kept', 'to = { "mbv2_simam" = 95, "mbv2_none@2" = 5 }'
    )
    again = shares(text, "signs", "mbv2_none@2", 40)
    assert 'to = { "mbv2_simam" = 60, "mbv2_none@2" = 40 }' in again
    assert 'to = { "mbv2_none@2" = 100 }' in shares(text, "signs", "mbv2_none@2", 100)


def test_others_keep_their_proportion() -> None:
    text = shares('[routes.a]\nto = { "x" = 1, "y" = 3 }', "a", "z", 20)
    assert 'to = { "x" = 20, "y" = 60, "z" = 20 }' in text


@pytest.mark.parametrize(
    "text", ['[routes.b]\nto = "x"', '[routes]\na.to = "x"', '[routes]\na = { to = "x" }']
)
def test_a_file_of_another_form_is_left_alone(text: str) -> None:
    with pytest.raises(RollError, match=r"no route|one line"):
        shares(text, "a", "z", 20)
