"""The few pieces that every network shares."""

from torch import nn

from zoo.places import present


def convolution(
    channels: int, out_channels: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    """Convolution without bias; odd kernels are padded so that stride 1 keeps the map's size."""
    return nn.Conv2d(channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False)


class ConvNormAct(nn.Sequential):
    """Convolution, batch norm, activation (ReLU6 unless given).

    ``before_norm`` and ``after_norm`` are attention, each shifting the state_dict index of what
    follows it by one.
    """

    def __init__(
        self,
        conv: nn.Conv2d,
        *,
        before_norm: nn.Module | None = None,
        after_norm: nn.Module | None = None,
        activation: nn.Module | None = None,
    ) -> None:
        norm = nn.BatchNorm2d(conv.out_channels)
        act = nn.ReLU6(inplace=True) if activation is None else activation
        super().__init__(*present(conv, before_norm, norm, after_norm, act))


def initialise(module: nn.Module, attention: type[nn.Module]) -> None:
    """Fresh weights for ``module`` and everything in it but the attention; none on meta."""
    if isinstance(module, nn.Conv2d | nn.Linear) and module.weight.is_meta:
        return  # there is nothing to draw, and torch would import its compiler to draw it
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(module.bias)
    for child in module.children():
        if not isinstance(child, attention):
            initialise(child, attention)
