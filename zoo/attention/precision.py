"""Where statistics of half-precision maps are taken: in float32, whose sums do not overflow."""

import torch
from torch import Tensor


def wide(x: Tensor) -> Tensor:
    """``x`` in float32 if it is float16 or bfloat16; otherwise ``x`` itself."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
