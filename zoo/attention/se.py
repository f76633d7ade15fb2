"""Squeeze-and-Excitation Networks (Hu et al., CVPR 2018)."""

from torch import Tensor, nn

from zoo.attention.width import squeezed


class SE(nn.Module):
    """Weighs each channel by what the means of all channels say.

    y = x · sigmoid(W2 relu(W1 mean(x))), with W1: C → C // reduction and W2 back to C.
    (B, C, H, W) in, the same shape out. 2·C·(C // reduction) parameters without biases.

    Args:
        channels: C.
        reduction: how many times narrower the hidden layer is.
        bias: give both layers a bias, as the authors' own Caffe networks do; the PyTorch port
            that everybody copies has none.

    Raises:
        ValueError: the reduction leaves no hidden channel.
    """

    def __init__(self, channels: int, *, reduction: int = 16, bias: bool = False) -> None:
        super().__init__()
        hidden = squeezed(channels, reduction, argument="reduction")
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=bias),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, channels, bias=bias),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Gate the channels of ``x``."""
        gate: Tensor = self.fc(x.mean(dim=(2, 3))).sigmoid()  # (B, C)
        return x * gate[:, :, None, None]
