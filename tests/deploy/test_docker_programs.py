"""The programs that live in the images alone: health, secrets, exporting, the list of contents."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import pytest

from tests.test_imports import ROOT

DOCKER = ROOT / "docker"


def program(path: str) -> ModuleType:
    spec = spec_from_file_location(path.replace("/", "_"), DOCKER / f"{path}.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(path: str, *arguments: str, **options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", str(DOCKER / f"{path}.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=options or None)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_healthy_is_200_and_nothing_else(port):
    assert run("healthcheck", str(port), "/healthz").returncode == 0
    assert run("healthcheck", str(port), "/readyz").returncode == 1


def test_nobody_there_is_not_healthy(port):
    assert run("healthcheck", "1", "/healthz").returncode == 1


def test_secrets_are_made_once_and_not_for_everybody(tmp_path):
    (tmp_path / "triton").mkdir()
    (tmp_path / "grafana").mkdir()
    first = run("gateway/fresh_secrets", str(tmp_path))
    files = [tmp_path / "triton/secret", tmp_path / "grafana/password"]
    secrets = [file.read_text() for file in files]
    assert "made triton/secret" in first.stdout
    assert secrets[0].startswith("fovea=")
    assert len(secrets[0].strip()) == len("fovea=") + 64
    assert not any(secret.strip() in first.stdout for secret in secrets)
    assert all(file.stat().st_mode & 0o777 == 0o440 for file in files)
    assert run("gateway/fresh_secrets", str(tmp_path)).stdout == ""
    assert [file.read_text() for file in files] == secrets


@pytest.fixture
def exported(tmp_path):
    """The exporter, and a repository that holds one model as it would write it."""
    export = program("exporter/export")
    export.HERE = tmp_path / "image"
    for folder in export.SOURCES:
        (export.HERE / folder).mkdir(parents=True)
        (export.HERE / folder / "code.py").write_text("x = 1\n")
    (export.HERE / "zoo/weights").mkdir()
    (export.HERE / "zoo/weights/a.safetensors").write_text("weights")
    model = tmp_path / "models/a"
    (model / "1").mkdir(parents=True)
    (model / "1/model.pt").write_text("graph")
    (model / "config.pbtxt").write_text("config")
    (model / ".exported").write_text(export.state(model, export.ingredients("a")))
    return export, tmp_path / "models"


def test_what_is_there_is_not_exported_again(exported, capsys):
    export, repository = exported
    assert export.main(repository, ["a"]) == 0
    assert capsys.readouterr().out == "a: up to date\n"


@pytest.mark.parametrize(
    "changed",
    [
        "image/zoo/code.py",
        "image/zoo/weights/a.safetensors",
        "models/a/1/model.pt",
        "models/a/config.pbtxt",
        "models/a/.exported",
    ],
)
def test_whatever_changed_makes_it_stale(exported, tmp_path, changed):
    export, repository = exported
    (tmp_path / changed).write_text("another")
    assert not export.is_current(repository / "a", export.ingredients("a"))


def test_weights_of_another_model_change_nothing(exported, tmp_path):
    export, repository = exported
    (tmp_path / "image/zoo/weights/ab.safetensors").write_text("weights")
    assert export.is_current(repository / "a", export.ingredients("a"))


def test_a_failed_export_is_the_exporters_failure_and_is_tried_again(exported, tmp_path):
    export, repository = exported
    (repository / "b/.staging-old").mkdir(parents=True)
    (export.HERE / "zoo/__main__.py").write_text("raise SystemExit(3)\n")
    assert export.main(repository, ["b"]) == 3
    assert not (repository / "b/.exported").exists()
    assert not (repository / "b/.staging-old").exists()


def test_the_list_of_contents_has_every_package_with_its_licence():
    done = run("sbom", "sbom", "fovea/gateway:0.1.0")
    document = json.loads(done.stdout)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    assert document["metadata"]["component"]["name"] == "fovea/gateway"
    found = {one["name"].lower(): one for one in document["components"]}
    assert found["numpy"]["purl"].startswith("pkg:pypi/numpy@2.")
    assert "BSD-3-Clause" in found["numpy"]["licenses"][0]["expression"]
    references = [one["bom-ref"] for one in document["components"]]
    assert len(references) == len(set(references))
    assert "numpy" in run("sbom", "licences", "fovea/gateway:0.1.0").stdout
