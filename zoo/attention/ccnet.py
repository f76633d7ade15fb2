"""Criss-cross attention: positions attend to their row and column (Huang et al., ICCV 2019)."""

import torch
from torch import Tensor, nn

from zoo.attention.precision import wide


class CrissCrossAttention(nn.Module):
    """Each position adds a mixture of its column and its row: gamma · Σ A V + x.

    The H + W - 1 candidates of a position share one softmax of Q · K, without scaling; its own
    cell counts once, in the row. Applied ``recurrence`` times with the same weights: from the
    second time on, every position has heard of every other. gamma starts at 0, so a new module is
    the identity. (B, C, H, W) in, the same shape out; memory grows with H·W·(H + W). A 1×1 map
    attends to itself alone: each application answers gamma · V + x.

    Args:
        channels: C.
        recurrence: the authors' networks use 2.

    Raises:
        ValueError: fewer than 8 ``channels`` (queries and keys have channels // 8), or a
            ``recurrence`` below 1.
    """

    def __init__(self, channels: int, *, recurrence: int = 2) -> None:
        super().__init__()
        if channels < 8:
            raise ValueError(f"channels is {channels}; queries of channels // 8 need 8 or more")
        if recurrence < 1:
            raise ValueError(f"recurrence is {recurrence}; it must be 1 or more")
        self.recurrence = recurrence
        self.query = nn.Conv2d(channels, channels // 8, 1)
        self.key = nn.Conv2d(channels, channels // 8, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Attend ``recurrence`` times; scores are float32 in half precision."""
        for _ in range(self.recurrence):
            x = self._attend(x)
        return x

    def _attend(self, x: Tensor) -> Tensor:
        value: Tensor = self.value(x)
        down, across = criss_cross_weights(wide(self.query(x)), wide(self.key(x)))
        columns = torch.matmul(down.to(x.dtype), value.permute(0, 3, 2, 1))  # (B, W, H, C)
        rows = torch.matmul(across.to(x.dtype), value.permute(0, 2, 3, 1))  # (B, H, W, C)
        mixed = columns.permute(0, 3, 2, 1) + rows.permute(0, 3, 1, 2)
        return torch.addcmul(x, self.gamma, mixed)

    def extra_repr(self) -> str:
        """How often it is applied, for the printed form."""
        return f"recurrence={self.recurrence}"


def criss_cross_weights(query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """How much each position takes from its column and from its row; together they sum to 1.

    Args:
        query: (B, d, H, W).
        key: (B, d, H, W).

    Returns:
        The column's (B, W, H, H) and the row's (B, H, W, W) weights; the last axis is the one
        attended to.
    """
    height = query.shape[2]
    own_cell = torch.diag(query.new_full((height,), float("-inf")))  # the row has it already
    down = torch.matmul(query.permute(0, 3, 2, 1), key.permute(0, 3, 1, 2)) + own_cell
    across = torch.matmul(query.permute(0, 2, 3, 1), key.permute(0, 2, 1, 3))
    scores = torch.cat((down.transpose(1, 2), across), dim=3)  # (B, H, W, H + W)
    weights = scores.softmax(dim=3)
    return weights[..., :height].transpose(1, 2), weights[..., height:]
