"""TorchServe's API over the real Triton; every command of the page for its users runs."""

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from service.settings import Settings
from tests.e2e.stack import REPOSITORY, ROOT, Stack, serve
from tests.runtime.tiny import script

PAGE = (ROOT / "docs/from-torchserve.md").read_text()
SERIES = (ROOT / "docs/metrics.md").read_text()
CLASSIFIER, DETECTOR = "mbv2_simam", "retinanet_mbv2_simam"
PHOTO, SCENE = ROOT / "docs/images/no_parking.jpg", ROOT / "docs/images/scene.jpg"
START = "python -m runtime"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Quadrants(nn.Module):
    """Stands for a ResNet: 1000 logits of normalised images, (B, 3, 224, 224)."""

    def forward(self, images: Tensor) -> Tensor:
        cells = nn.functional.adaptive_avg_pool2d(images, (4, 4)).flatten(1)  # (B, 48)
        return nn.functional.pad(cells * 3, (0, 952), value=-9.0)


def commands(heading: str) -> list[str]:
    """The blocks of commands below ``heading``."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    return re.findall(r"```sh\n(.*?)```", section, re.S)


@dataclass
class Shell:
    """Runs commands in ``folder``; a curl that is refused fails."""

    folder: Path
    url: str = ""

    def run(self, commands: str) -> str:
        (self.folder / ".curlrc").write_text("silent\nfail-with-body\nwrite-out = \\n\n")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euc", commands.replace("http://127.0.0.1:8080", self.url)],
            cwd=self.folder,
            env=os.environ | {"PATH": path, "CURL_HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def write_archive(path: Path) -> None:
    """A .mar as torch-model-archiver makes it."""
    script(Quadrants()).save(str(path.parent / "model.pt"))
    names = {str(number): [f"n{number:08}", f"label {number}"] for number in range(1000)}
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(path.parent / "model.pt", "model.pt")
        archive.writestr("index_to_name.json", json.dumps(names))
        archive.writestr("MAR-INF/MANIFEST.json", "{}")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Where a user of TorchServe has taken over a model by the page's commands."""
    folder = tmp_path_factory.mktemp("torchserve")
    (folder / "docs").symlink_to(ROOT / "docs")
    write_archive(folder / "resnet.mar")
    here = Shell(folder)
    unpack, describe, start, _ = commands("Models")
    here.run(unpack)
    here.run(describe)
    assert START in start
    for name in (CLASSIFIER, DETECTOR):
        (folder / "models" / name).symlink_to(REPOSITORY / name)
    return here


@pytest.fixture(scope="module")
def stack(shell: Shell) -> Iterator[Stack]:
    folder = shell.folder
    routes = folder / "routes.toml"
    routes.write_text(f'[routes.signs]\nto = "{CLASSIFIER}@1"\n')
    environment = {
        "FOVEA_RECIPES_DIR": str(folder / "recipes"),
        "FOVEA_ROUTES_FILE": str(routes),
        "FOVEA_MODEL_CONTROL": "true",
    }
    models = f"{CLASSIFIER},{DETECTOR},resnet"
    with serve(folder / "log", models, folder / "models", **environment) as running:
        shell.url = running.url
        yield running


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=30) as session:
        yield session


def test_the_commands_of_callers_are_answered(stack: Stack, shell: Shell) -> None:
    (block,) = commands("Callers")
    put, form, raw, ping = map(json.loads, shell.run(block).splitlines())
    assert next(iter(put)) == "no_parking_sign"
    assert put == form
    assert len(put) == 5
    assert all(len(found) == 2 and "score" in found for found in raw)
    assert ping == {"status": "Healthy"}


def test_a_model_of_an_archive_answers_what_its_handler_did(stack: Stack, shell: Shell) -> None:
    told = json.loads(shell.run(commands("Models")[-1]))
    picture = Image.open(PHOTO).convert("RGB").resize((256, 256), Image.Resampling.BILINEAR)
    levels = np.asarray(picture.crop((16, 16, 240, 240)), np.float32) / 255
    tensor = torch.tensor((levels - MEAN) / STD, dtype=torch.float32).permute(2, 0, 1)[None]
    scores, labels = torch.softmax(Quadrants()(tensor), dim=1).topk(5)
    wanted = {
        f"label {label}": score
        for label, score in zip(labels[0].tolist(), scores[0].tolist(), strict=True)
    }
    assert told == pytest.approx(wanted, abs=1e-3)


def test_the_commands_that_manage_models_work(stack: Stack, shell: Shell) -> None:
    (block,) = commands("Management")
    unloaded, loaded, listed = map(json.loads, shell.run(block).splitlines())
    assert (unloaded["versions"], loaded["versions"]) == ([], ["1"])
    assert listed == loaded


def test_answers_are_those_of_predict_in_another_form(client: httpx.Client) -> None:
    photo, scene = PHOTO.read_bytes(), SCENE.read_bytes()
    headers = {"content-type": "image/jpeg"}
    ours = client.post(f"/predict?model={CLASSIFIER}&top_k=5", content=photo, headers=headers)
    theirs = client.put(f"/predictions/{CLASSIFIER}", content=photo)
    best = {guess["label"]: guess["score"] for guess in ours.json()["predictions"]}
    assert theirs.json() == pytest.approx(best, abs=1e-6)
    query = f"/predict?model={DETECTOR}&score_threshold=0.5"
    found = client.post(query, content=scene, headers=headers).json()["detections"]
    theirs = client.post(f"/predictions/{DETECTOR}", content=scene)
    assert len(found) >= 1
    for one, other in zip(found, theirs.json(), strict=True):
        assert other[one["label"]] == pytest.approx(list(one["box"].values()), abs=1e-3)
        assert other["score"] == pytest.approx(one["score"], abs=1e-6)


def test_a_route_is_asked_as_a_model_is(client: httpx.Client) -> None:
    answer = client.put("/predictions/signs", content=PHOTO.read_bytes())
    assert next(iter(answer.json())) == "no_parking_sign"
    assert "route=signs" in answer.headers["x-routing"]
    forced = client.put(
        "/predictions/signs", content=b"", headers={"x-route-target": "elsewhere"}
    ).json()
    assert forced["code"] == forced["status"] >= 400


def test_what_triton_has_not_is_told_in_torchserve_s_words(client: httpx.Client) -> None:
    missing = client.put("/predictions/vgg16", content=b"").json()
    assert (missing["code"], missing["message"]) == (404, "there is no model or route 'vgg16'")
    odd = client.put(f"/predictions/{CLASSIFIER}/3.1", content=b"").json()
    assert (odd["code"], odd["versions"]) == (404, ["1"])


def test_the_page_names_settings_and_series_that_there_are() -> None:
    names = {name.removeprefix("FOVEA_").lower() for name in re.findall(r"FOVEA_\w+", PAGE)}
    assert names <= Settings.model_fields.keys()
    series = {name.removesuffix("_count") for name in re.findall(r"fovea_\w+", PAGE)}
    assert all(f"| `{name}` |" in SERIES for name in series)
    assert len(names) > 10
