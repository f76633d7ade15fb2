"""RetinaNet's heads: two small networks that look at every map of the pyramid alike."""

from math import log

from torch import Tensor, nn

PRIOR = 0.01  # the probability that every anchor starts with, so that background cannot swamp it


class RetinaNetHead(nn.Module):
    """Class logits and box deltas of every anchor; keys are those of published checkpoints."""

    def __init__(self, channels: int, *, depth: int, anchors: int, num_classes: int) -> None:
        super().__init__()
        self.classification_head = ClassificationHead(channels, depth, anchors, num_classes)
        self.regression_head = RegressionHead(channels, depth, anchors)

    def forward(self, maps: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Of each map (B, C, H, W), logits (B, anchors, classes) and deltas (B, anchors, 4).

        The anchors of a map are in the order of an AnchorGrid.
        """
        logits: list[Tensor] = []
        deltas: list[Tensor] = []
        for level in maps:
            logits.append(self.classification_head(level))
            deltas.append(self.regression_head(level))
        return logits, deltas


class ClassificationHead(nn.Module):
    """A logit of each class for each anchor; the classes do not compete."""

    def __init__(self, channels: int, depth: int, anchors: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.conv = _tower(channels, depth)
        self.cls_logits = _fresh(nn.Conv2d(channels, anchors * num_classes, 3, padding=1))
        bias: Tensor | None = self.cls_logits.bias
        assert bias is not None  # noqa: S101 - a convolution has one unless told otherwise
        nn.init.constant_(bias, -log((1 - PRIOR) / PRIOR))

    def forward(self, level: Tensor) -> Tensor:
        """(B, C, H, W) to (B, anchors, classes)."""
        return by_anchor(self.cls_logits(self.conv(level)), self.num_classes)


class RegressionHead(nn.Module):
    """The deltas of each anchor, as a BoxCoder has them."""

    def __init__(self, channels: int, depth: int, anchors: int) -> None:
        super().__init__()
        self.conv = _tower(channels, depth)
        self.bbox_reg = _fresh(nn.Conv2d(channels, anchors * 4, 3, padding=1))

    def forward(self, level: Tensor) -> Tensor:
        """(B, C, H, W) to (B, anchors, 4)."""
        return by_anchor(self.bbox_reg(self.conv(level)), 4)


def by_anchor(predicted: Tensor, values: int) -> Tensor:
    """(B, anchors of a cell · values, H, W) to (B, H · W · anchors of a cell, values)."""
    return predicted.permute(0, 2, 3, 1).reshape(predicted.shape[0], -1, values)


def _tower(channels: int, depth: int) -> nn.Sequential:
    return nn.Sequential(
        *(
            nn.Sequential(_fresh(nn.Conv2d(channels, channels, 3, padding=1)), nn.ReLU())
            for _ in range(depth)
        )
    )


def _fresh(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.normal_(layer.weight, std=0.01)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
