"""What each pod may do, how it starts and how it ends."""

import re
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

from runtime.launch import RESTRICTED, TritonConfig
from service.routing.parse import parse
from service.settings import PREFIX, Settings
from tests.deploy.kubernetes import (
    ROOT,
    Object,
    Pod,
    each_overlay,
    named,
    needs_kubectl,
    of_kind,
    pod,
    pods,
)

pytestmark = needs_kubectl

# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}  # there are four more
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|[kMGTPE]|[KMGTPE]i)?")
SUFFIXES = {None: Fraction(1), "m": Fraction(1, 1000)}
SUFFIXES |= {letter: Fraction(1000) ** power for power, letter in enumerate("kMGTPE", 1)}
SUFFIXES |= {f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", 1)}


def quantity(text: str) -> Fraction:
    """A quantity as Kubernetes reads it."""
    match = QUANTITY.fullmatch(text)
    assert match, f"{text!r} is no quantity"
    return Fraction(match[1]) * SUFFIXES[match[2]]


def violations(one: Pod) -> list[str]:
    """What the restricted profile forbids, and what we forbid beyond it."""
    spec, found = one.spec, []
    found += [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    found += [f"volume {v['name']}" for v in spec.get("volumes", []) if not set(v) & VOLUMES]
    if spec.get("automountServiceAccountToken") is not False:
        found.append("token")
    for container in one.containers:
        own = container.get("securityContext", {})
        both = spec.get("securityContext", {}) | own
        wanted = {
            "runAsNonRoot": both.get("runAsNonRoot") is True and both.get("runAsUser", 0) > 0,
            "seccomp": both.get("seccompProfile") == {"type": "RuntimeDefault"},
            "escalation": own.get("allowPrivilegeEscalation") is False,
            "capabilities": own.get("capabilities") == {"drop": ["ALL"]},
            "privileged": not own.get("privileged"),
            "read-only root": own.get("readOnlyRootFilesystem") is True,
            "host port": not any("hostPort" in port for port in container.get("ports", [])),
        }
        found += [f"{container['name']}: {name}" for name, good in wanted.items() if not good]
    return found


@each_overlay
def test_pods_keep_to_the_restricted_profile(overlay: str) -> None:
    assert {one.name: violations(one) for one in pods(overlay)} == {"gateway": [], "triton": []}
    labels = named(overlay, "Namespace", "fovea")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@each_overlay
def test_no_account_gets_a_token(overlay: str) -> None:
    accounts = {one["metadata"]["name"]: one for one in of_kind(overlay, "ServiceAccount")}
    assert not any(one["automountServiceAccountToken"] for one in accounts.values())
    assert {one.spec["serviceAccountName"] for one in pods(overlay)} == set(accounts)


@each_overlay
def test_requests_are_within_limits(overlay: str) -> None:
    for container in (container for one in pods(overlay) for container in one.containers):
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        assert set(requests) >= {"cpu", "memory", "ephemeral-storage"}
        for name, most in limits.items():
            assert quantity(requests.get(name, most)) <= quantity(most), name
            if "/" in name:  # of devices there are no parts, and no more than asked for
                assert quantity(most).denominator == 1
        assert requests["memory"] == limits["memory"]  # never evicted for what it may take


@each_overlay
def test_memory_holds_what_lies_in_it(overlay: str) -> None:
    for one in pods(overlay):
        empty = [volume["emptyDir"] for volume in one.spec["volumes"] if "emptyDir" in volume]
        assert all("sizeLimit" in volume for volume in empty)
        shared = sum(quantity(v["sizeLimit"]) for v in empty if v.get("medium") == "Memory")
        assert shared <= quantity(one.main["resources"]["limits"]["memory"]) / 2


@each_overlay
def test_mounts_are_of_volumes(overlay: str) -> None:
    for one in pods(overlay):
        volumes = {volume["name"] for volume in one.spec["volumes"]}
        mounted = {mount["name"] for c in one.containers for mount in c["volumeMounts"]}
        assert mounted == volumes


@each_overlay
def test_probes_ask_for_what_is_there(overlay: str) -> None:
    paths = {}
    for one in pods(overlay):
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = one.main[probe]["httpGet"]
            assert asked["port"] in one.ports()
            paths[one.name, probe] = asked["path"]
    assert paths["gateway", "readinessProbe"] == "/readyz"
    # A gateway without a Triton waits: to start it again would help nobody.
    assert paths["gateway", "livenessProbe"] == paths["gateway", "startupProbe"] == "/healthz"
    # Ready is no while any model loads, in every pod at once.
    assert paths["triton", "startupProbe"] == "/v2/health/ready"
    assert (
        paths["triton", "readinessProbe"] == paths["triton", "livenessProbe"] == "/v2/health/live"
    )


def pre_stop(one: Pod) -> int:
    return int(one.main["lifecycle"]["preStop"]["sleep"]["seconds"])


@each_overlay
def test_a_gateway_has_the_time_to_drain(overlay: str) -> None:
    one = pod(overlay, "gateway")
    env = one.env()
    drain, shutdown = (int(env[f"FOVEA_{name}_SECONDS"]) for name in ("DRAIN", "SHUTDOWN"))
    assert one.spec["terminationGracePeriodSeconds"] >= pre_stop(one) + drain + shutdown + 5
    assert shutdown >= float(env["FOVEA_TIMEOUT_SECONDS"])
    probe = one.main["readinessProbe"]
    assert drain > probe["periodSeconds"] * probe["failureThreshold"] + 1


@each_overlay
def test_a_triton_has_the_time_to_drain(overlay: str) -> None:
    one = pod(overlay, "triton")
    given = re.findall(r"--exit-timeout-secs=(\d+)", " ".join(one.main["args"]))
    seconds = int(given[0]) if given else TritonConfig(Path()).exit_timeout_seconds
    assert one.spec["terminationGracePeriodSeconds"] >= pre_stop(one) + seconds + 5
    # Longer than a record of the cluster's DNS lives, and than the gateway waits to look it up.
    assert pre_stop(one) > 5 + Settings().catalog_refresh_seconds


@each_overlay
def test_settings_exist_and_are_accepted(
    overlay: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("key=secret")
    for name, value in pod(overlay, "gateway").env().items():
        assert name.startswith(PREFIX)
        monkeypatch.setenv(name, str(tmp_path / "file") if name.endswith("_FILE") else value)
    settings = Settings.load()
    assert settings.host == "0.0.0.0"
    assert settings.port == pod(overlay, "gateway").ports()["http"]


@each_overlay
def test_files_that_settings_name_are_mounted(overlay: str) -> None:
    one = pod(overlay, "gateway")
    volumes = {volume["name"]: volume for volume in one.spec["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in one.main["volumeMounts"]}
    files = {Path(v) for name, v in one.env().items() if name.endswith("_FILE")}
    assert {str(file.parent) for file in files} == set(mounts) - {"/tmp"}
    assert not any("subPath" in mount for mount in one.main["volumeMounts"])  # never changes
    routes = named(overlay, "ConfigMap", "fovea-routes")
    assert list(routes["data"]) == [Path(one.env()["FOVEA_ROUTES_FILE"]).name]


def exported() -> set[str]:
    """The models that the init container writes."""
    (container,) = pod("cpu", "triton").spec["initContainers"]
    env = {one["name"]: one["value"] for one in container["env"]}
    return set(env["MODELS"].split(","))


@each_overlay
def test_the_routing_file_is_right_and_its_models_are_exported(overlay: str) -> None:
    text = named(overlay, "ConfigMap", "fovea-routes")["data"]["routes.toml"]
    parse(text, "routes.toml")
    tables = tomllib.loads(text)
    targets = {target for route in tables["routes"].values() for target in route["to"]}
    assert targets | set(tables["defaults"].values()) <= exported() | set(tables["routes"])


def test_models_that_are_exported_have_weights() -> None:
    for name in exported():
        assert (ROOT / f"zoo/weights/{name}.safetensors").exists()


def flags(overlay: str) -> Object:
    """Triton's own command line."""
    pairs = (arg.partition("=") for arg in pod(overlay, "triton").main["args"])
    return {flag: value for flag, _, value in pairs}


@pytest.mark.parametrize(
    "overlay", ["gpu", "gpu-shared", "gpu-shared/time-slicing", "keda", "kserve"]
)
def test_triton_tells_nothing_but_its_health_without_the_secret(overlay: str) -> None:
    given = flags(overlay)
    for flag in ("--http-restricted-api", "--grpc-restricted-protocol"):
        assert given[flag] == f"{RESTRICTED}:$(TRITON_SECRET)"
    assert given["--model-control-mode"] == "explicit"
    assert given["--allow-client-shm"] == "false"
    kserve = {"--model-repository": "/models"}
    assert given | kserve == flags("gpu")


def test_shared_gpus_are_asked_for_by_their_name() -> None:
    def devices(overlay: str) -> set[str]:
        return {name for name in pod(overlay, "triton").main["resources"]["limits"] if "/" in name}

    assert devices("cpu") == set()
    assert devices("gpu") == devices("keda") == devices("kserve") == {"nvidia.com/gpu"}
    assert devices("gpu-shared") == {"nvidia.com/mig-1g.10gb"}
    assert devices("gpu-shared/time-slicing") == {"nvidia.com/gpu.shared"}
