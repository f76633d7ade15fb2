"""Class maps: exact for a head of pooling and one linear layer, in the order of the classes."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.zoo.fill import filled
from zoo.classifiers import create
from zoo.export.probes import probe
from zoo.export.torchscript import TorchScript, archive
from zoo.export.wrap import ServedClassifier


def served(classes: int) -> ServedClassifier:
    network = create("mbv2_simam", num_classes=classes, image_size=80)
    return ServedClassifier(filled(network, salt=7, gain=1.0)).eval()


@torch.inference_mode()
def test_the_mean_of_a_map_is_the_logit_of_its_class() -> None:
    model, images = served(classes=9), probe(4, 80)
    probabilities, maps = model(images)
    assert maps.shape == (4, 3, 5, 5)
    logits = model.network(model.normalise(images))
    best = np.argsort(-probabilities.numpy(), kind="stable")[:, :3]  # as the gateway ranks them
    wanted = torch.gather(logits, 1, torch.from_numpy(best))
    torch.testing.assert_close(maps.mean(dim=(2, 3)), wanted, rtol=1e-5, atol=1e-5)
    assert maps.std(dim=(2, 3)).min() > 0.01  # a place, not a constant


@torch.inference_mode()
def test_a_map_is_the_linear_layer_at_each_position() -> None:
    model, images = served(classes=4), probe(2, 80)
    features = model.network.features(model.normalise(images))
    everywhere = model.linear(features.permute(0, 2, 3, 1))  # (B, h, w, classes)
    probabilities, maps = model(images)
    for row, ranked in enumerate(probabilities.argsort(dim=1, descending=True)):
        wanted = everywhere[row, ..., ranked[:3]].permute(2, 0, 1)
        torch.testing.assert_close(maps[row], wanted, rtol=1e-5, atol=1e-5)


def test_two_classes_have_two_maps() -> None:
    with torch.inference_mode():
        assert served(classes=2)(probe(1, 80))[1].shape == (1, 2, 5, 5)


class Checkerboard(nn.Module):
    """Features that the pooling cancels: a map shows its class while the logit does not."""

    def forward(self, images: Tensor) -> Tensor:
        board = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], device=images.device)
        return board.expand(images.shape[0], 320, 2, 2)


@pytest.mark.parametrize("batch", [1, 3])
@torch.inference_mode()
def test_of_equally_probable_classes_the_lower_id_comes_first(batch: int) -> None:
    model = served(classes=40)
    model.network.set_submodule("features", Checkerboard())
    model.linear.weight.zero_()[:, 0] = torch.arange(40)
    model.linear.bias.zero_()[17] = 1
    _, maps = TorchScript().load(archive(model))(probe(batch, 80))
    assert (maps[:, :, 0, 0] - maps.mean(dim=(2, 3))).tolist() == [[17, 0, 1]] * batch
