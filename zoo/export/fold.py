"""Rewrites features for inference: batch norms folded, 1×1 convolutions on the fast path."""

import torch
from torch import Tensor, fx, nn
from torch.nn.utils import fuse_conv_bn_eval

from zoo.attention.simam import SimAM
from zoo.export.layers import NormedSimAM, Pointwise

SMALLEST_LAMBDA = torch.finfo(torch.float32).tiny  # of a channel that its norm multiplies by 0


def fold(features: nn.Module) -> fx.GraphModule:
    """The same map from the same images, in fewer passes over memory.

    - a batch norm after a convolution becomes part of it;
    - a batch norm after SimAM after a convolution becomes part of both (see `NormedSimAM`);
    - a 1×1 convolution becomes `Pointwise`.

    What is inside of attention stays, and is left to torch.jit.freeze.

    ``features`` is taken apart: give a copy, in eval mode and on the CPU.
    """
    folded = fx.GraphModule(features, _Tracer().trace(features))
    for node in list(folded.graph.nodes):
        norm = _module(folded, node)
        if isinstance(norm, nn.BatchNorm2d):
            _fold_norm(folded, node, norm)
    for node in folded.graph.nodes:
        conv = _module(folded, node)
        if isinstance(conv, nn.Conv2d) and _is_pointwise(conv):
            folded.set_submodule(str(node.target), Pointwise(conv))
    folded.delete_all_unused_submodules()
    folded.recompile()
    return folded


class _Tracer(fx.Tracer):
    """Looks into blocks, and leaves attention whole: it may decide by shapes."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        inside_attention = m.__class__.__module__.startswith("zoo.attention.")
        return inside_attention or super().is_leaf_module(m, module_qualified_name)


def _fold_norm(folded: fx.GraphModule, node: fx.Node, norm: nn.BatchNorm2d) -> None:
    """Remove the batch norm of ``node`` if what feeds it, and nothing else, can take it over."""
    (source,) = node.all_input_nodes
    before = _module(folded, source)
    if len(source.users) > 1:
        return
    if isinstance(before, nn.Conv2d):
        folded.set_submodule(str(source.target), fuse_conv_bn_eval(before, norm))
    elif isinstance(before, SimAM):
        (first,) = source.all_input_nodes
        conv = _module(folded, first)
        if not isinstance(conv, nn.Conv2d) or len(first.users) > 1:
            return
        folded.set_submodule(str(source.target), _fold_through_simam(conv, before, norm))
    else:
        return
    node.replace_all_uses_with(source)
    folded.graph.erase_node(node)


@torch.no_grad()
def _fold_through_simam(conv: nn.Conv2d, attention: SimAM, norm: nn.BatchNorm2d) -> NormedSimAM:
    """SimAM with the norm's shift; the norm's scale goes into ``conv``."""
    scale, shift = _affine(norm)
    conv.weight.mul_(scale.view(-1, 1, 1, 1))
    if conv.bias is not None:
        conv.bias.mul_(scale)
    lambda_ = (attention.lambda_ * scale.square()).clamp_min(SMALLEST_LAMBDA)
    return NormedSimAM(lambda_.view(1, -1, 1, 1), shift.view(1, -1, 1, 1))


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Scale and shift of each channel, from what the norm learnt and what it saw."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("the batch norm keeps no statistics; set track_running_stats")
    scale = norm.weight / torch.sqrt(variance + norm.eps)
    return scale, norm.bias - mean * scale


def _is_pointwise(conv: nn.Conv2d) -> bool:
    return conv.kernel_size == conv.stride == (1, 1) and conv.groups == 1 and conv.padding == (0, 0)


def _module(folded: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """The module that ``node`` calls, if that is what it does."""
    return folded.get_submodule(str(node.target)) if node.op == "call_module" else None
