"""What a network costs: its parameters and its multiply-accumulates (MACs)."""

from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from zoo.detectors import Detector

aten = torch.ops.aten


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one image. The published counts of the field are ``layer_macs``.

    ``layer_macs`` counts convolutions and linear layers, ``matmul_macs`` the products of
    activations with each other (the attention matrices of PSA, DANet and CCNet, the group
    similarities of SGE). Left out of both, as everywhere: norms, activations, pooling, gates and
    softmax, which cost passes over memory rather than multiplications.
    """

    parameters: int  # trainable ones
    layer_macs: int
    matmul_macs: int


class MacCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the multiply-accumulates of every operator that runs inside the ``with`` block.

    It sees operators instead of modules, so that a layer is counted however it is written. A
    matrix product with a parameter or by a linear layer has two dimensions; products of
    activations with each other are batched.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layers = 0
        self.matmuls = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operator and count it."""
        if func is aten.native_batch_norm.default and args[0].is_meta:
            return _normed(args[0])
        out = func(*args, **(kwargs or {}))
        if func is aten.convolution.default:
            weight: Tensor = args[1]  # (out channels, in channels / groups, kernel…)
            transposed = args[6]  # then the first two change places, as map and outcome do
            self.layers += (args[0] if transposed else out).numel() * prod(weight.shape[1:])
        elif func is aten.addmm.default:
            self.layers += out.numel() * int(args[1].shape[1])
        elif func is aten.mm.default:
            self.layers += out.numel() * int(args[0].shape[1])
        elif func is aten.bmm.default:
            self.matmuls += out.numel() * int(args[0].shape[2])
        return out


def _normed(maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A batch norm's outputs on meta, where torch takes it to pieces in Python, slowly."""
    statistics = maps.new_empty(0)
    return torch.empty_like(maps), statistics, statistics


@torch.no_grad()
def cost(network: nn.Module, image_size: int | tuple[int, int]) -> Cost:
    """What ``network`` costs on one image of ``image_size`` pixels a side, or height and width.

    Nothing is computed where the network lies on the meta device. Its mode is restored.
    """
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    image = next(network.parameters()).new_zeros(1, 3, height, width)
    was_training = network.training
    run = network.run_layers if isinstance(network, Detector) else network
    network.eval()
    with MacCounter() as counter:
        run(image)
    network.train(was_training)
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return Cost(parameters, counter.layers, counter.matmuls)
