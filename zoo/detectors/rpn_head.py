"""What the region proposal network computes of a pyramid's maps (Ren et al., NeurIPS 2015)."""

from torch import Tensor, nn

from zoo.detectors.retinanet_head import by_anchor


class RPNHead(nn.Module):
    """Objectness logits and box deltas of every anchor, from each map by the same weights."""

    def __init__(self, channels: int, anchors: int) -> None:
        super().__init__()
        # In a sequence in a sequence, as published checkpoints name it.
        hidden = nn.Sequential(_fresh(nn.Conv2d(channels, channels, 3, padding=1)), nn.ReLU())
        self.conv = nn.Sequential(hidden)
        self.cls_logits = _fresh(nn.Conv2d(channels, anchors, 1))
        self.bbox_pred = _fresh(nn.Conv2d(channels, anchors * 4, 1))

    def forward(self, maps: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Of each map (B, C, H, W), logits (B, anchors) and deltas (B, anchors, 4).

        The anchors of a map are in the order of an AnchorGrid.
        """
        logits: list[Tensor] = []
        deltas: list[Tensor] = []
        for level in maps:
            hidden = self.conv(level)
            logits.append(by_anchor(self.cls_logits(hidden), 1).squeeze(2))
            deltas.append(by_anchor(self.bbox_pred(hidden), 4))
        return logits, deltas


def _fresh(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.normal_(layer.weight, std=0.01)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
