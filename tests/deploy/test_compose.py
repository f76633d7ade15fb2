"""The compose files without Docker: they fit the specification, the settings and each other."""

import copy
import hashlib
import json
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from runtime.launch import RESTRICTED, TritonConfig
from runtime.server import SLACK_SECONDS
from service.settings import PREFIX, Settings
from tests.deploy.compose import (
    BASE,
    DCGM,
    FILES,
    GPU,
    LASTING,
    PORTS,
    TASKS,
    load,
    seconds,
    services,
    source_of,
    text_of_all,
)
from tests.test_imports import ROOT

SCHEMA = Path(__file__).parent / "schemas/compose/compose-spec.json"
SCHEMA_SHA256 = "d549057ebc2925f39f62799eab0db7b9e2c18b35b6c00595199116da3ed10e64"
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY")
each_file = pytest.mark.parametrize("name", FILES)
each_service = pytest.mark.parametrize("name", [*LASTING, *TASKS])


@cache
def validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))


def faults(document: dict[str, Any]) -> list[str]:
    return [error.message for error in validator().iter_errors(document)]


def test_the_schema_is_the_published_one():
    assert hashlib.sha256(SCHEMA.read_bytes()).hexdigest() == SCHEMA_SHA256


@each_file
def test_a_file_fits_the_compose_specification(name):
    assert faults(load(name)) == []


def test_a_misspelt_key_would_be_found():
    document = copy.deepcopy(load(BASE))
    document["services"]["gateway"]["mem_limits"] = "1G"
    assert faults(document)


@each_file
def test_every_variable_for_the_gateway_is_a_setting(name):
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    given = {key for one in services(name).values() for key in one.get("environment", {})}
    assert {key for key in given if key.startswith(PREFIX)} <= known


def test_the_example_names_every_variable_and_only_right_settings():
    lines = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    settings = {name for name in lines if name.startswith(PREFIX)}
    assert settings <= {PREFIX + field.upper() for field in Settings.model_fields}
    made_by_make = {"REVISION", "CREATED", "SOURCE"}
    asked = set(VARIABLE.findall(text_of_all())) - made_by_make
    assert asked - {"PUBLISH_PROMETHEUS", "PUBLISH_GRAFANA"} <= set(lines)


@each_file
def test_every_image_is_pinned_to_a_version(name):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for service in services(name).values():
        image = service.get("image", "")
        image = re.sub(r"^\$\{\w+:-(.+)\}$", r"\1", image)
        if image.startswith("fovea/"):
            assert image.endswith(f":{version}")
        elif image:
            assert re.search(r":v?\d+\.\d+[\w.-]*$", image), image


def test_nvidias_image_has_the_fixes_of_its_advisories():
    found = re.search(r"tritonserver:(\d+)\.(\d+)-py3", services(GPU)["triton"]["image"])
    assert found
    assert (int(found[1]), int(found[2])) >= (26, 7)


def test_only_the_gateway_is_published_and_only_to_this_machine():
    published = {name: one["ports"] for name, one in services(BASE).items() if "ports" in one}
    assert published == {"gateway": ["${PUBLISH:-127.0.0.1:8080}:8080"]}
    networks = load(BASE)["networks"]
    assert networks["back"] == {"internal": True}
    for name, one in services(BASE).items():
        own = {"network_mode"} & one.keys() or set(one["networks"])
        assert ("front" in own) is (name == "gateway"), name
    for one in services(PORTS).values():
        assert all(":-127.0.0.1:" in port for port in one["ports"])


@each_service
def test_a_service_may_do_little(name):
    one = services(BASE)[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert "max-size" in one["logging"]["options"]
    assert {"cpus", "memory", "pids"} == one["deploy"]["resources"]["limits"].keys()
    assert one["restart"] == ("no" if name in TASKS else "unless-stopped")
    assert (one.get("network_mode") == "none") is (name in TASKS)


def test_what_starts_first_is_done_or_healthy():
    conditions = {
        name: {other: how["condition"] for other, how in one.get("depends_on", {}).items()}
        for name, one in services(BASE).items()
    }
    assert conditions["triton"]["exporter"] == "service_completed_successfully"
    assert conditions["triton"]["secrets"] == "service_completed_successfully"
    assert conditions["gateway"]["triton"] == "service_healthy"


def test_who_is_told_to_stop_has_the_time_to():
    gateway, triton = (services(BASE)[name] for name in ("gateway", "triton"))
    settings = gateway["environment"]
    drain = int(settings["FOVEA_DRAIN_SECONDS"]) + int(settings["FOVEA_SHUTDOWN_SECONDS"])
    assert seconds(gateway["stop_grace_period"]) >= drain + 3
    exits = TritonConfig.exit_timeout_seconds
    assert seconds(triton["stop_grace_period"]) >= exits + SLACK_SECONDS + 3
    assert f"--exit-timeout-secs={exits}" in services(GPU)["triton"]["command"][-1]


@each_file
def test_no_secret_is_in_a_file(name):
    for one in services(name).values():
        for key in one.get("environment", {}):
            assert not SECRET.search(key) or key.endswith("_FILE"), key
    assert "BEGIN" not in (ROOT / name).read_text()


def test_what_is_mounted_is_there():
    for name in FILES:
        for one in services(name).values():
            for volume in one.get("volumes", []):
                assert not volume.startswith(".") or source_of(volume).exists(), volume
                assert not volume.startswith(".") or volume.endswith(":ro"), volume


def test_nvidias_triton_is_as_closed_as_ours(tmp_path):
    (tmp_path / "secret").write_text("fovea=1234\n")
    (tmp_path / "tritonserver").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "tritonserver").chmod(0o755)
    *shell, script = services(GPU)["triton"]["command"]
    script = script.replace("$$", "$").replace("/run/fovea", str(tmp_path))
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run([*shell, script], env=path, capture_output=True, text=True, check=True)
    given = done.stdout.splitlines()
    for flag in (
        f"--http-restricted-api={RESTRICTED}:fovea=1234",
        f"--grpc-restricted-protocol={RESTRICTED}:fovea=1234",
        "--load-model=*",
        "--allow-client-shm=false",
        "--model-control-mode=explicit",
        "--strict-readiness=true",
        "--disable-auto-complete-config",
    ):
        assert flag in given


@pytest.mark.parametrize(("name", "service"), [(GPU, "triton"), (DCGM, "dcgm-exporter")])
def test_the_gpu_is_reserved_where_one_is_used(name, service):
    (device,) = services(name)[service]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert "reservations" not in str(services(BASE))


def test_the_gpu_stack_does_not_build_a_triton():
    tokens = list(yaml.scan((ROOT / GPU).read_text()))
    assert any(isinstance(t, yaml.TagToken) and t.value == ("!", "reset") for t in tokens)
    assert "build" not in services(GPU)["triton"]
