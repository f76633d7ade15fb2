"""What Triton loads is what eager PyTorch computes; anything else is refused."""

import io
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from contract.recipe import Task
from tests.zoo.fill import filled
from zoo.classifiers import ARCHITECTURES, create
from zoo.export.compare import compare, prove
from zoo.export.exporter import ExportError, Run
from zoo.export.probes import probe
from zoo.export.torchscript import TorchScript, archive
from zoo.export.wrap import ServedClassifier
from zoo.normalise import MEAN, STD, Normalise

NAMES = [name for name in ARCHITECTURES if name.startswith("mbv2_")]  # e2e has the others
IMAGE_SIZE = 64
TORCHSCRIPT = TorchScript()


def served(name: str, classes: int = 6) -> ServedClassifier:
    network = create(name, num_classes=classes, image_size=IMAGE_SIZE)
    return ServedClassifier(filled(network, salt=101, gain=1.0)).eval()


@pytest.fixture(scope="module")
def eager() -> dict[str, ServedClassifier]:
    """A model of every mechanism."""
    return {name: served(name) for name in NAMES}


@pytest.fixture(scope="module")
def exported(eager: dict[str, ServedClassifier]) -> dict[str, bytes]:
    """The same models as the files that Triton would load."""
    return {name: TORCHSCRIPT.write(model, IMAGE_SIZE) for name, model in eager.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", [1, 3, 8])
@torch.inference_mode()
def test_every_mechanism_answers_as_eager_does(
    name: str, batch: int, eager: dict[str, ServedClassifier], exported: dict[str, bytes]
) -> None:
    images = probe(batch, IMAGE_SIZE)
    got, maps = TORCHSCRIPT.load(exported[name])(images)
    wanted, wanted_maps = eager[name](images)
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-5)
    largest = max(1.0, wanted_maps.abs().max().item())
    torch.testing.assert_close(maps, wanted_maps, rtol=0, atol=1e-4 * largest)
    assert torch.equal(got.argmax(dim=1), wanted.argmax(dim=1))
    assert wanted.max() - wanted.min() > 0.1  # an answer that could be wrong


@pytest.mark.parametrize("name", NAMES)
def test_no_batch_norm_and_no_python_is_left(name: str, exported: dict[str, bytes]) -> None:
    with pytest.warns(DeprecationWarning, match=r"torch\.jit\.load"):
        module = torch.jit.load(io.BytesIO(exported[name]))
    graph = str(module.graph)
    assert "aten::conv2d" in graph
    assert not re.findall(r"aten::batch_norm|\^\w+|prim::Call\w+|prim::PythonOp", graph)


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_answers_are_probabilities(name: str, exported: dict[str, bytes]) -> None:
    answer, _ = TORCHSCRIPT.load(exported[name])(probe(8, IMAGE_SIZE))
    assert answer.shape == (8, 6)
    assert answer.dtype == torch.float32
    torch.testing.assert_close(answer.sum(dim=1), torch.ones(8))


@torch.inference_mode()
def test_normalisation_happens_inside_the_model() -> None:
    model = served("mbv2_simam")
    images = probe(2, IMAGE_SIZE)
    by_hand = (images / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
    expected = model.network(by_hand.permute(0, 3, 1, 2)).softmax(dim=1)
    torch.testing.assert_close(model(images)[0], expected, rtol=0, atol=1e-5)


def test_exporting_leaves_the_model_as_it_was() -> None:
    model = served("mbv2_simam").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    prove(TORCHSCRIPT, model, IMAGE_SIZE)
    assert model.training
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_file_of_other_weights_is_refused(exported: dict[str, bytes]) -> None:
    run = TORCHSCRIPT.load(exported["mbv2_none"])
    with pytest.raises(ExportError, match="differs from eager by"):
        compare(run, served("mbv2_simam"), IMAGE_SIZE)


def answering(probabilities: list[float], maps: float = 0.0, dtype=torch.float32) -> nn.Module:
    """A model that gives every image the same answer."""

    class Logits(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.tensor(probabilities, dtype=images.dtype).log().expand(len(images), -1)

    class Constant(nn.Module):
        task = Task.CLASSIFICATION
        normalise = Normalise()

        def __init__(self) -> None:
            super().__init__()
            self.network = Logits()

        def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
            row = torch.tensor(probabilities, dtype=dtype).expand(len(images), -1)
            return row, torch.full((len(images), 2, 1, 1), maps)

    return Constant()


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (answering([0.4, 0.6]), "differs from eager by"),
        (answering([float("nan"), 0.5]), "differs from eager by nan"),
        (answering([0.499999, 0.500001]), "disagree on the best class"),
        (answering([0.2, 0.3, 0.5]), r"output 0: the file answers torch.float32 \(1, 3\)"),
        (answering([0.5, 0.5], dtype=torch.float64), "answers torch.float64"),
        (answering([0.500001, 0.499999], maps=float("nan")), None),  # no clear order of classes
    ],
    ids=["values", "nan", "best class", "shape", "type", "tie"],
)
def test_a_file_that_answers_otherwise_is_refused(file: Run, message: str | None) -> None:
    eager = answering([0.500001, 0.499999])
    if message is None:
        assert compare(file, eager, image_size=4) == 0
        return
    with pytest.raises(ExportError, match=message):
        compare(file, eager, image_size=4)


def test_a_file_is_not_blamed_for_what_float32_costs_eager_itself() -> None:
    coarse = answering([0.5001, 0.4999])
    coarse.network = answering([0.50005, 0.49995]).network  # what float64 would answer
    assert compare(answering([0.50019, 0.49981]), coarse, image_size=4) == pytest.approx(9e-5, 1e-2)
    with pytest.raises(ExportError, match=r"at most 0\.0001 is accepted"):
        compare(answering([0.5003, 0.4997]), coarse, image_size=4)


@pytest.mark.parametrize("maps", [0.1, float("nan")])
def test_a_file_of_other_class_maps_is_refused(maps: float) -> None:
    with pytest.raises(ExportError, match="class maps differ from eager's"):
        compare(answering([0.6, 0.4], maps=maps), answering([0.6, 0.4]), image_size=4)


class OnNamedDevice(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.float().to("cpu").mean(dim=(1, 2))


class OnDefaultDevice(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.float().mean(dim=(1, 2)) + torch.zeros(images.shape[3])


class OnInputDevice(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        means = images.float().mean(dim=(1, 2))
        return means + torch.ones(images.shape[3], device=images.device) + means.new_ones(3)


@pytest.mark.parametrize("module", [OnNamedDevice(), OnDefaultDevice()])
def test_a_graph_tied_to_a_device_is_refused(module: nn.Module) -> None:
    with pytest.raises(ExportError, match="tied to a device"):
        archive(module.eval())


def test_a_graph_that_follows_its_input_is_accepted() -> None:
    assert archive(OnInputDevice().eval())


class InPython(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return self.mean(images)

    @torch.jit.ignore
    def mean(self, images: Tensor) -> Tensor:
        return images.float().mean(dim=(1, 2))


def test_a_graph_that_calls_python_is_refused() -> None:
    with pytest.raises(ExportError, match="leaves TorchScript by"):
        archive(InPython().eval())


class Unscriptable(nn.Module):
    def forward(self, images: Tensor, *extra: Tensor) -> Tensor:
        return images.float() + sum(extra)


def test_a_model_that_torchscript_cannot_express_is_refused() -> None:
    with pytest.raises(ExportError, match="TorchScript cannot express the model"):
        archive(Unscriptable().eval())


def test_nothing_here_uses_the_pass_whose_files_do_not_load_again() -> None:
    sources = Path(__file__).parents[3].joinpath("zoo").rglob("*.py")
    assert not [path for path in sources if "optimize_for_inference(" in path.read_text()]
