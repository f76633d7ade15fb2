"""Networks without training that answer something definite, the same at every call."""

import torch
from torch import Tensor, nn

import zoo
from zoo.classifiers import Classifier
from zoo.detectors import Detector
from zoo.detectors.two_stage import TwoStageDetector
from zoo.export.probes import Size, height_and_width, pictures
from zoo.normalise import Normalise

# Mean and standard deviation that the outputs of predicting layers get, by the layers' names.
LEVELS = {
    "cls_logits": (-5.5, 1.0),
    "cls_score": (0.0, 1.2),
    "bbox_reg": (0.0, 0.3),
    "bbox_pred": (0.0, 0.3),
    "mask_fcn_logits": (0.0, 1.0),
}
BACKGROUND = 7.0  # what its logit gets on top: few proposals are detections then
BRANCH = 0.25  # scale of the norms in residual branches; with 1, rounding grows with depth


def fresh(name: str, *, num_classes: int, image_size: Size) -> Classifier | Detector:
    """The network called ``name``, with weights that depend on these arguments alone.

    Batch norms have seen what they will see: until then depth fades every image to the same answer.
    A detector begins with next to no confidence, and with scores so close to each other that
    rounding would order them; so its predicting layers are scaled until they spread.

    Raises:
        UnknownNameError: no such model.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = zoo.create(name, num_classes=num_classes, image_size=image_size)
        if isinstance(network, Detector):
            _settle_detector(network, Normalise()(pictures(8, image_size)))
        else:
            _settle(network, image_size)
    return network


@torch.no_grad()
def _settle(network: Classifier, image_size: Size) -> None:
    network.train()
    for _ in range(16):
        network(torch.randn(8, 3, *height_and_width(image_size)))


@torch.no_grad()
def _settle_detector(network: Detector, images: Tensor) -> None:
    for name, norm in network.backbone.named_modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = None  # the mean over all that follows
            in_trunk = name == "body.bn1" or "downsample" in name
            nn.init.constant_(norm.weight, 1.0 if in_trunk else BRANCH)
    network.train()
    network.backbone(images)
    network.eval()
    for name, layer in network.named_modules():
        level = LEVELS.get(name.rpartition(".")[2])
        if level is not None and isinstance(layer, nn.Conv2d | nn.Linear):
            _level_at_first_call(layer, *level)
    network(images[:2])
    if isinstance(network, TwoStageDetector):
        network.roi_heads.box_predictor.cls_score.bias[0] += BACKGROUND


def _level_at_first_call(layer: nn.Conv2d | nn.Linear, mean: float, deviation: float) -> None:
    """Rescale ``layer`` so that each channel of its first output has this mean and deviation."""
    bias = layer.bias
    assert bias is not None  # noqa: S101 - every predicting layer has one

    def level(_: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        handle.remove()
        channels = output.transpose(0, 1).flatten(1)
        factor = deviation / channels.std(dim=1)
        layer.weight.mul_(factor.view(-1, *[1] * (layer.weight.dim() - 1)))
        bias.copy_(mean + (bias - channels.mean(dim=1)) * factor)
        levelled: Tensor = layer(*inputs)
        return levelled

    handle = layer.register_forward_hook(level)
