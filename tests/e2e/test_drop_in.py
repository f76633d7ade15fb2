"""A model that the zoo has never heard of is served because its config carries a recipe."""

from io import BytesIO
from pathlib import Path

import httpx
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from contract.codec import encode
from contract.recipe import PARAMETER, Fit, InputSpec, OutputSpec, Recipe, Role, Task
from tests.e2e.stack import serve

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
    torch.jit.script(LeftOrRight()).save(version / "model.pt")
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


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated:DeprecationWarning")
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
