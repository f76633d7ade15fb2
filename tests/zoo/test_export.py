"""What Triton loads is what eager PyTorch computes; anything else is refused."""

import io

import pytest
import torch
from torch import Tensor, nn

from tests.zoo.fill import filled
from zoo.classifiers import ARCHITECTURES, create
from zoo.export.script import ExportError, compare, probe, to_torchscript
from zoo.export.wrap import ServedClassifier
from zoo.normalise import MEAN, STD

NAMES = list(ARCHITECTURES)
IMAGE_SIZE = 64


def served(name: str) -> ServedClassifier:
    network = create(name, num_classes=6, image_size=IMAGE_SIZE)
    return ServedClassifier(filled(network, salt=101, gain=1.4)).eval()


@pytest.fixture(scope="session")
def exported() -> dict[str, bytes]:
    """Every model of the zoo as the file that Triton would load."""
    return {name: to_torchscript(served(name), IMAGE_SIZE) for name in NAMES}


def reload(file: bytes) -> nn.Module:
    with pytest.warns(DeprecationWarning, match=r"torch\.jit\.load"):
        module: nn.Module = torch.jit.load(io.BytesIO(file))
    return module


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", [1, 3, 8])
@torch.inference_mode()
def test_every_model_answers_as_eager_does(
    name: str, batch: int, exported: dict[str, bytes]
) -> None:
    images = probe(batch, IMAGE_SIZE)
    got, wanted = reload(exported[name])(images), served(name)(images)
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-5)
    assert torch.equal(got.argmax(dim=1), wanted.argmax(dim=1))
    assert wanted.max() - wanted.min() > 0.1  # an answer that could be wrong


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_answers_are_probabilities(name: str, exported: dict[str, bytes]) -> None:
    answer = reload(exported[name])(probe(8, IMAGE_SIZE))
    assert answer.shape == (8, 6)
    assert answer.dtype == torch.float32
    torch.testing.assert_close(answer.sum(dim=1), torch.ones(8))


@torch.inference_mode()
def test_normalisation_happens_inside_the_model() -> None:
    model = served("mbv2_simam")
    images = probe(2, IMAGE_SIZE)
    by_hand = (images / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
    expected = model.network(by_hand.permute(0, 3, 1, 2)).softmax(dim=1)
    torch.testing.assert_close(model(images), expected, rtol=0, atol=1e-5)


def test_exporting_leaves_the_model_as_it_was() -> None:
    model = served("mbv2_none").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    to_torchscript(model, IMAGE_SIZE)
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_file_of_other_weights_is_refused(exported: dict[str, bytes]) -> None:
    with pytest.raises(ExportError, match="differs from eager by"):
        compare(exported["mbv2_none"], served("mbv2_simam"), IMAGE_SIZE)


class TwoFaced(nn.Module):
    """Answers one thing in Python and another as TorchScript."""

    def __init__(self, scripted: Tensor, eager: Tensor) -> None:
        super().__init__()
        self.register_buffer("scripted", scripted)
        self.register_buffer("eager", eager)

    def forward(self, images: Tensor) -> Tensor:
        row = self.scripted if torch.jit.is_scripting() else self.eager
        return row.expand(images.shape[0], -1)


@pytest.mark.parametrize(
    ("scripted", "message"),
    [
        (torch.tensor([0.4, 0.6]), "differs from eager by"),
        (torch.tensor([float("nan"), 0.5]), "differs from eager by nan"),
        (torch.tensor([0.500001, 0.499999]), "disagree on the best class"),
        (torch.tensor([0.2, 0.3, 0.5]), r"answers torch.float32 \(1, 3\)"),
        (torch.tensor([0.5, 0.5], dtype=torch.float64), "answers torch.float64"),
    ],
    ids=["values", "nan", "best class", "shape", "type"],
)
def test_a_file_that_answers_otherwise_is_refused(scripted: Tensor, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        to_torchscript(TwoFaced(scripted, torch.tensor([0.499999, 0.500001])), image_size=4)


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
        to_torchscript(module, image_size=4)


def test_a_graph_that_follows_its_input_is_accepted() -> None:
    assert to_torchscript(OnInputDevice(), image_size=4)


class Unscriptable(nn.Module):
    def forward(self, images: Tensor, *extra: Tensor) -> Tensor:
        return images.float() + sum(extra)


def test_a_model_that_torchscript_cannot_express_is_refused() -> None:
    with pytest.raises(ExportError, match="TorchScript cannot express the model"):
        to_torchscript(Unscriptable(), image_size=4)
