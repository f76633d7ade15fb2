"""The reference implementations of single mechanisms, and how ours are built in their words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from zoo.attention.bam import BAM
from zoo.attention.cbam import CBAM
from zoo.attention.ccnet import CrissCrossAttention
from zoo.attention.coordinate import CoordinateAttention
from zoo.attention.danet import ChannelAttention, DANetHead, PositionAttention
from zoo.attention.eca import ECA
from zoo.attention.gam import GAM
from zoo.attention.psa import Order, PolarizedSelfAttention
from zoo.attention.sa import ShuffleAttention
from zoo.attention.se import SE
from zoo.attention.sge import SGE
from zoo.attention.simam import SimAM
from zoo.attention.ulsam import ULSAM
from zoo.checkpoints import reference_keys as keys
from zoo.checkpoints.state import State
from zoo.registry import Table


def unchanged(state: State) -> State:
    """The state as it is."""
    return state


def stacked_subspaces(state: State) -> State:
    """``subspaces.<i>.<key>``, concatenated in the order of i, as ``<key>``."""
    parts: dict[str, dict[int, Tensor]] = {}
    stacked: dict[str, Tensor] = {}
    for key, tensor in state.items():
        numbered = re.fullmatch(r"subspaces\.(\d+)\.(.+)", key)
        if numbered is None:
            stacked[key] = tensor
        else:
            parts.setdefault(numbered[2], {})[int(numbered[1])] = tensor
    for key, by_number in parts.items():
        tensors = [by_number[i] for i in sorted(by_number)]
        stacked[key] = tensors[0] if tensors[0].ndim == 0 else torch.cat(tensors)  # counters agree
    return stacked


@dataclass(frozen=True, slots=True)
class Reference:
    """One published implementation of a mechanism.

    Attributes:
        build: makes our layer. Its parameters are the reference's constructor words, its defaults
            the reference's defaults.
        names: dotted parts of our keys, each with the reference's name for it.
        regroup: rearranges the reference's tensors into as many as ours.
    """

    build: Callable[..., nn.Module]
    names: Mapping[str, str]
    regroup: Callable[[State], State]


REFERENCES: Table[Reference] = Table("reference mechanism")
"""By ``<module> <variant>``."""


def _add(
    name: str,
    build: Callable[..., nn.Module],
    names: Mapping[str, str] = MappingProxyType({}),
    regroup: Callable[[State], State] = unchanged,
) -> None:
    REFERENCES.add(name, Reference(build, names, regroup))


def _one_width(into: int, out: int | None) -> int:
    """The width of a reference that asks for two, and keeps the shape with equal ones only."""
    if out not in (None, into):
        raise ValueError(f"{into} channels in and {out} out: a mechanism keeps its channels")
    return into


_add("se official", lambda channel, reduction=16: SE(channel, reduction=reduction))
_add(
    "se biased-linear",
    lambda channel, reduction=16: SE(channel, reduction=reduction, bias=True),
)
_add(
    "se biased-conv",
    lambda channels, reduction=16: SE(channels, reduction=reduction, bias=True),
    keys.FLAT_SE,
)
_add(
    "cbam official",
    lambda gate_channels, reduction_ratio=16, pool_types=("avg", "max"), no_spatial=False: CBAM(
        gate_channels,
        reduction=reduction_ratio,
        pools=pool_types,
        kernel_size=None if no_spatial else 7,
    ),
    keys.CBAM,
)
_add(
    "cbam seed",
    lambda channel=512, reduction=16, kernel_size=49: CBAM(
        channel, reduction=reduction, kernel_size=kernel_size, form="article"
    ),
    keys.ARTICLE_CBAM,
)
_add("bam official", lambda gate_channel: BAM(channels=gate_channel), keys.BAM)
_add("bam paper-sum", lambda gate_channel: BAM(gate_channel, form="paper"), keys.BAM)

_add(
    "bam seed",  # whose convolutions shrink the map
    lambda channel=512, reduction=16, dia_val=2: BAM(
        channel, reduction=reduction, dilation=dia_val, form="article", padding=1
    ),
    keys.ARTICLE_BAM,
)
_add(
    "bam seed-padfix",
    lambda channel=512, reduction=16, dia_val=2: BAM(
        channel, reduction=reduction, dilation=dia_val, form="article"
    ),
    keys.ARTICLE_BAM,
)
_add("eca official", lambda channel, k_size=3: ECA(channel, kernel_size=k_size))
_add("eca official-ns", lambda channel, k_size=3: ECA(channel, kernel_size=k_size, shared=False))
# A shared kernel is the same layer for every number of channels, and so are SGE and SimAM.
_add("eca seed", lambda kernel_size=3: ECA(1, kernel_size=kernel_size, bias=True))
_add("sa official", lambda channel, groups=64: ShuffleAttention(channel, groups=groups))
_add(
    "sa seed",  # the article's layer takes a reduction, and does nothing with it
    lambda channel=512, reduction=16, G=8: ShuffleAttention(channel, groups=G),  # noqa: ARG005, N803
)


def _official_psa(order: Order) -> Callable[..., nn.Module]:
    return lambda inplanes, planes=None: PolarizedSelfAttention(
        _one_width(inplanes, planes), order=order, form="official"
    )


def _article_psa(order: Order) -> Callable[..., nn.Module]:
    return lambda channel=512: PolarizedSelfAttention(channel, order=order)


_add("psa_p official", _official_psa("parallel"), keys.PSA)
_add("psa_p seed", _article_psa("parallel"), keys.ARTICLE_PSA)
_add("psa_s official", _official_psa("sequential"), keys.PSA)
_add("psa_s seed", _article_psa("sequential"), keys.ARTICLE_PSA)
_add("sge official", lambda groups=64: SGE(groups, groups=groups))
_add("sge seed", lambda groups: SGE(groups, groups=groups, initial_bias=0.0))
_add(
    "coordatt official",
    lambda inp, oup=None, reduction=32: CoordinateAttention(
        _one_width(inp, oup), reduction=reduction
    ),
    keys.COORDINATE,
)
_add(
    "coordatt official-mbv2",  # where the reduction is called groups
    lambda inp, oup=None, groups=32: CoordinateAttention(_one_width(inp, oup), reduction=groups),
    keys.MOBILE_COORDINATE,
)
_add(
    "gam seed",
    lambda in_channels, out_channels=None, rate=4: GAM(
        _one_width(in_channels, out_channels), rate=rate
    ),
    keys.GAM,
)
_add(
    "gam channel-sigmoid",
    lambda in_channels, out_channels=None, rate=4: GAM(
        _one_width(in_channels, out_channels), rate=rate, channel_sigmoid=True
    ),
    keys.GAM,
)
_add(
    "gam replicate-pad",
    lambda in_channels, out_channels=None, rate=4: GAM(
        _one_width(in_channels, out_channels), rate=rate, padding_mode="replicate"
    ),
    keys.COPIED_GAM,
)
_add("simam official", lambda e_lambda=1e-4: SimAM(1, e_lambda))
_add(
    "ulsam official",  # its layer takes the map's size too, and does nothing with it
    lambda nin, nout=None, h=0, w=0, num_splits=4: ULSAM(  # noqa: ARG005
        _one_width(nin, nout), num_splits=num_splits
    ),
    keys.ULSAM,
    stacked_subspaces,
)
_add("danet_pam official", lambda in_dim: PositionAttention(channels=in_dim), keys.ATTENTION)
_add("danet_cam official", lambda in_dim=1: ChannelAttention(in_dim))
_add(
    "danet_head official",
    lambda in_channels, out_channels: DANetHead(in_channels, num_classes=out_channels),
    keys.DANET_HEAD,
)
_add(
    "ccnet_cca official",  # the published class is one application; its networks repeat it
    lambda in_dim, recurrence=1: CrissCrossAttention(in_dim, recurrence=recurrence),
    keys.ATTENTION,
)
