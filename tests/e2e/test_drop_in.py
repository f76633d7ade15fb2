"""A model that the zoo has never heard of is served because its config carries a recipe."""

from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from contract.codec import encode
from contract.recipe import PARAMETER, Fit, InputSpec, OutputSpec, Recipe, Role, Task
from tests.e2e.stack import Stack, serve
from tests.runtime.tiny import add_model, script, tensors

CONFIG = """
name: "{name}"
backend: "pytorch"
max_batch_size: 4
input [ {{ name: "INPUT__0", data_type: TYPE_UINT8, dims: [ 10, 20, 3 ] }} ]
output [ {{ name: "OUTPUT__0", data_type: TYPE_FP32, dims: [ 2 ] }} ]
dynamic_batching {{ }}
"""


class LeftOrRight(nn.Module):
    """Which half of the image is brighter."""

    def forward(self, images: Tensor) -> Tensor:
        halves = images.float().mean(dim=(1, 3)).unflatten(1, (2, 10)).mean(2)  # (B, 2)
        return torch.softmax(halves, dim=1)


def recipe() -> str:
    return encode(
        Recipe(
            task=Task.CLASSIFICATION,
            input=InputSpec(name="INPUT__0", height=10, width=20, fit=Fit.STRETCH),
            outputs=(OutputSpec(name="OUTPUT__0", role=Role.PROBABILITIES),),
            labels=("left", "right"),
        )
    )


def write_model(repository: Path, name: str, recipe: str | None) -> None:
    version = repository / name / "1"
    version.mkdir(parents=True)
    script(LeftOrRight()).save(version / "model.pt")
    text = CONFIG.format(name=name)
    if recipe is not None:
        text += f'parameters {{ key: "{PARAMETER}" value {{ string_value: {recipe!r} }} }}\n'
    (repository / name / "config.pbtxt").write_text(text)


def half_white(side: int) -> bytes:
    image = Image.new("RGB", (20, 10))
    image.paste((255, 255, 255), (10 * side, 0, 10 * side + 10, 10))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_a_model_with_a_recipe_needs_nothing_else(tmp_path: Path) -> None:
    repository = tmp_path / "models"
    write_model(repository, "halves", recipe())
    write_model(repository, "foreign", None)
    with (
        serve(tmp_path / "log", models="halves,foreign", repository=repository) as stack,
        httpx.Client(base_url=stack.url) as client,
    ):
        for side, label in enumerate(["left", "right"]):
            answer = client.post(
                "/predict?model=halves",
                content=half_white(side),
                headers={"content-type": "image/png"},
            )
            assert answer.json()["predictions"][0]["label"] == label
        refused = client.post(
            "/predict?model=foreign", content=b"", headers={"content-type": "image/png"}
        )
        assert refused.status_code == 409
        assert PARAMETER in refused.json()["detail"]
        listed = {model["name"] for model in client.get("/models").json()["models"]}
        assert listed == {"halves", "foreign"}


MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TOML = f"""
task = "classification"
labels = ["red", "green", "blue"]

[input]
name = "INPUT__0"
height = 8
width = 12
fit = "stretch"
layout = "nchw"

[input.normalisation]
mean = {list(MEAN)}
std = {list(STD)}

[[outputs]]
name = "OUTPUT__0"
role = "logits"
"""


class SomebodyElses(nn.Module):
    """A classifier as PyTorch's users write them: normalised NCHW in, logits out."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3))  # (B, 3, 8, 12) to (B, 3)


def colour(*levels: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (30, 20), levels).save(buffer, "PNG")
    return buffer.getvalue()


def reason(stack: Stack) -> str:
    return httpx.get(f"{stack.url}/models/plain").json()["reason"] or ""


def test_a_model_of_somebody_else_needs_a_small_file(tmp_path: Path) -> None:
    repository, recipes = tmp_path / "models", tmp_path / "recipes"
    recipes.mkdir()
    config = "max_batch_size: 4\ndynamic_batching { }\n"
    config += tensors("input", INPUT__0="FP32 3, 8, 12") + tensors("output", OUTPUT__0="FP32")
    add_model(repository, "plain", SomebodyElses(), config)
    write_model(repository, "halves", recipe())
    environment = {"FOVEA_RECIPES_DIR": str(recipes)}
    with serve(tmp_path / "log", "plain,halves", repository, **environment) as stack:
        assert "no parameter" in reason(stack)
        file = recipes / "plain.toml"
        file.write_text(TOML.replace("height = 8", "height = 0"))
        stack.wait(lambda: "plain.toml: input.height is 0" in reason(stack), 10, "the complaint")
        assert "(line 7)" in reason(stack)
        file.write_text(TOML)
        stack.wait(lambda: not reason(stack), 10, "the recipe")
        levels = (250, 120, 30)
        answer = httpx.post(
            f"{stack.url}/predict?model=plain",
            content=colour(*levels),
            headers={"content-type": "image/png"},
        )
        assert answer.status_code == 200, answer.text
        logits = (np.array(levels) / 255 - MEAN) / STD
        wanted = np.exp(logits) / np.exp(logits).sum()
        scores = {one["label"]: one["score"] for one in answer.json()["predictions"]}
        np.testing.assert_allclose(
            [scores[name] for name in ("red", "green", "blue")], wanted, atol=1e-5
        )
