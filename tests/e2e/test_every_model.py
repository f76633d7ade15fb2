"""Each mechanism and each backbone: built, trained, exported, and served by the real Triton.

Each served model is a process that imports torch, which takes longer than all that is asked of it.
So each kind of block and the mechanisms least like each other are served, and all by `make
thorough`; the files of each are held to eager in tests/zoo/export/test_torchscript.py anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from tritonclient.grpc import InferenceServerClient, InferInput

import zoo
from runtime.launch import TritonConfig
from runtime.server import TritonProcess
from tests.thorough import some
from zoo.attention import MECHANISMS
from zoo.backbones import BACKBONES
from zoo.export import repository, servable
from zoo.export.probes import probe
from zoo.export.wrap import ServedClassifier
from zoo.normalise import Normalise

IMAGE_SIZE = 64
SEED = 5  # with some others, the one or two hidden units of CBAM on 16 channels start dead
CANCELLED = "channel.query.bias"  # of PSA: the softmax over positions takes it out again
LABELS = tuple(f"class_{number}" for number in range(10))
EACH_SERVER = 10  # models: every one is a process of some 300 MB
ALL = [f"{backbone}_{attention}" for backbone in ("mbv2", "rn18") for attention in MECHANISMS]
ALL += [f"{backbone}_simam" for backbone in BACKBONES if backbone not in ("mbv2", "rn18")]
FEW = [f"rn18_{attention}" for attention in ("cbam", "gam", "ccnet", "psa_s")]
FEW += [f"{backbone}_simam" for backbone in ("mbv1", "mbv2", "resnext50")]
NAMES = some(ALL, *FEW)
ONLY_TRAINED = [name for name in ALL if name not in NAMES and name.startswith(("mbv2", "rn18"))]
CHUNKS = [tuple(NAMES[first : first + EACH_SERVER]) for first in range(0, len(NAMES), EACH_SERVER)]


@dataclass
class Trained:
    """A network after two steps, and what they showed."""

    served: ServedClassifier
    finite: bool  # every gradient of every step
    untouched: set[str]  # parameters whose gradient was zero in each step


def train(name: str) -> Trained:
    """Two steps, because some mechanisms begin with a factor of zero."""
    torch.manual_seed(SEED)
    network = calm(zoo.create(name, num_classes=len(LABELS), image_size=IMAGE_SIZE))
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-4)
    keys = (key for key, _ in network.named_parameters())
    finite, untouched = True, {key for key in keys if not key.endswith(CANCELLED)}
    for _ in range(2):
        loss = nn.functional.cross_entropy(network(noise()), torch.arange(8))
        optimiser.zero_grad()
        loss.backward()
        for key, parameter in network.named_parameters():
            finite &= bool(parameter.grad.isfinite().all())
            if parameter.grad.any():
                untouched.discard(key)
        optimiser.step()
    settle(network)
    return Trained(ServedClassifier(network.eval()), finite, untouched)


def calm(network: nn.Module) -> nn.Module:
    """Fresh residual branches multiply float32's rounding by thousands; trained ones do not."""
    for name, module in network.named_modules():
        in_trunk = name == "features.bn1" or "downsample" in name
        if isinstance(module, nn.BatchNorm2d) and not in_trunk:
            nn.init.constant_(module.weight, 0.25)
    return network


def noise() -> torch.Tensor:
    """Eight normalised images such as ``probe`` has, the last of them black."""
    pixels = torch.randint(0, 256, (8, IMAGE_SIZE, IMAGE_SIZE, 3), dtype=torch.uint8)
    pixels[7] = 0
    return Normalise()(pixels)


@torch.no_grad()
def settle(network: nn.Module) -> None:
    """Let the norms see what they will see: fresh ones let the scale run away with depth."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = None  # the mean over all that follows
            module.reset_running_stats()
    for _ in range(2):
        network(noise())


@dataclass
class Running:
    """Models under one server."""

    trained: dict[str, Trained]
    client: InferenceServerClient

    def ask(self, name: str, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        tensor = InferInput("INPUT__0", images.shape, "UINT8").set_data_from_numpy(images)
        answer = self.client.infer(name, [tensor])
        return answer.as_numpy("OUTPUT__0"), answer.as_numpy("OUTPUT__1")


@pytest.fixture(scope="module")
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    names: tuple[str, ...] = request.param
    folder: Path = tmp_path_factory.mktemp("models")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    trained = {name: train(name) for name in names}
    for name, one in trained.items():
        network = one.served.network
        repository.export(
            servable.unmeasured(name, network, labels=LABELS, image_size=IMAGE_SIZE), folder
        )
    torch.set_num_threads(threads)
    config = TritonConfig(folder, models=names, threads=1)
    url = f"127.0.0.1:{config.ports.grpc}"
    with TritonProcess(config), InferenceServerClient(url) as client:
        yield Running(trained, client)


@pytest.mark.parametrize("name", ONLY_TRAINED)
def test_it_learns(name: str) -> None:
    model = train(name)
    assert model.finite
    assert not model.untouched


@pytest.mark.parametrize(
    ("running", "name"),
    [pytest.param(chunk, name, id=name) for chunk in CHUNKS for name in chunk],
    indirect=["running"],
    scope="module",
)
def test_it_learns_and_is_served_as_eager_pytorch_computes_it(running: Running, name: str) -> None:
    model = running.trained[name]
    assert model.finite
    assert not model.untouched
    for batch in (1, 3):
        images = probe(batch, IMAGE_SIZE)
        scores, maps = running.ask(name, images.numpy())
        with torch.inference_mode():
            wanted, wanted_maps = (answer.numpy() for answer in model.served(images))
        assert np.ptp(wanted, axis=1).min() > 1e-3  # an answer that could be wrong
        np.testing.assert_allclose(scores, wanted, rtol=0, atol=1e-5)
        np.testing.assert_allclose(maps, wanted_maps, rtol=0, atol=1e-4)
