"""ECA-Net: Efficient Channel Attention (Wang et al., CVPR 2020)."""

from math import log2

from torch import Tensor, nn
from torch.nn import functional


def adaptive_kernel_size(channels: int) -> int:
    """The paper's rule: |log2(C) / 2 + 1 / 2| truncated, and made odd by adding one.

    3 for 64 channels, 5 for 128 to 1024, 7 for 2048. The released checkpoints do not follow it.
    """
    size = int(abs(log2(channels) / 2 + 0.5))
    return size if size % 2 else size + 1


class ECA(nn.Module):
    """Weighs each channel by the means of its neighbours among the channels.

    y = x · sigmoid(conv(mean(x))), a 1-D convolution along the channels with zeros beyond both
    ends: (B, C, H, W) in, the same shape out. ``kernel_size`` parameters.

    Args:
        channels: C.
        kernel_size: odd; None is the paper's rule, :func:`adaptive_kernel_size`.
        bias: give the convolution a bias, as the article does.
        shared: one kernel for all channels; otherwise one for each, C · kernel_size parameters.

    Raises:
        ValueError: the kernel size is not a positive odd number.
    """

    def __init__(
        self,
        channels: int,
        *,
        kernel_size: int | None = None,
        bias: bool = False,
        shared: bool = True,
    ) -> None:
        super().__init__()
        size = adaptive_kernel_size(channels) if kernel_size is None else kernel_size
        if size < 1 or size % 2 == 0:
            raise ValueError(
                f"kernel_size is {size}; it must be odd, to give each channel one gate"
            )
        kernels = 1 if shared else channels
        self.conv = nn.Conv1d(kernels, kernels, size, groups=kernels, bias=bias)
        self.kernel_size = size
        self.shared = shared

    def forward(self, x: Tensor) -> Tensor:
        """Gate the channels of ``x``."""
        reach = self.kernel_size // 2
        means = functional.pad(x.mean(dim=(2, 3)), (reach, reach))  # (B, C + 2·reach)
        if self.shared:
            gate: Tensor = self.conv(means.unsqueeze(1)).squeeze(1)  # (B, C)
        else:
            gate = self.conv(means.unfold(1, self.kernel_size, 1)).squeeze(2)  # (B, C)
        return x * gate.sigmoid()[:, :, None, None]
