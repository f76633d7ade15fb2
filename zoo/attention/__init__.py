"""The table of attention mechanisms: every one takes ``channels`` first and keeps the shape."""

from collections.abc import Mapping

from torch import nn

from zoo.attention.bam import BAM
from zoo.attention.cbam import CBAM
from zoo.attention.ccnet import CrissCrossAttention
from zoo.attention.coordinate import CoordinateAttention
from zoo.attention.danet import DualAttention
from zoo.attention.eca import ECA
from zoo.attention.gam import GAM
from zoo.attention.mechanism import Mechanism
from zoo.attention.psa import PolarizedSelfAttention
from zoo.attention.sa import ShuffleAttention
from zoo.attention.se import SE
from zoo.attention.sge import SGE
from zoo.attention.simam import SimAM
from zoo.attention.ulsam import ULSAM
from zoo.places import Family, Place
from zoo.registry import Table

GROUPS = 64  # of SA and SGE in their authors' networks, whose channels are multiples of 64


def _groups_of(channels: int, members: int) -> Mapping[str, int]:
    """The most groups up to GROUPS into which the channels divide by multiples of ``members``.

    The article's MobileNetV2 has 32, 96, 160… channels, where 64 groups are impossible.
    """
    fitting = (g for g in range(min(GROUPS, channels), 1, -1) if channels % (members * g) == 0)
    return {"groups": next(fitting, 1)}


_PSA_ON_MOBILENETS = {  # none is published; their narrow end is the cheapest spot
    Family.MOBILENET_V1: Place.BRANCH_END,
    Family.MOBILENET_V2: Place.BRANCH_END,
}
_PSA_PAPER = "Liu et al., Polarized Self-Attention, Neurocomputing 2022"

MECHANISMS: Table[Mechanism] = Table("attention mechanism")
MECHANISMS.add("none", Mechanism(layer=nn.Identity, place=Place.NOWHERE, paper=None))
MECHANISMS.add(
    "se",
    Mechanism(
        layer=SE,
        place=Place.BRANCH_END,
        paper="Hu et al., Squeeze-and-Excitation Networks, CVPR 2018",
    ),
)
MECHANISMS.add(
    "cbam",
    Mechanism(
        layer=CBAM,
        place=Place.BRANCH_END,
        paper="Woo et al., CBAM: Convolutional Block Attention Module, ECCV 2018",
    ),
)
MECHANISMS.add(
    "bam",
    Mechanism(
        layer=BAM,
        place=Place.STAGE_END,
        paper="Park et al., BAM: Bottleneck Attention Module, BMVC 2018",
    ),
)
MECHANISMS.add(
    "eca",
    Mechanism(
        layer=ECA,
        place=Place.BRANCH_END,
        paper="Wang et al., ECA-Net: Efficient Channel Attention for Deep CNNs, CVPR 2020",
    ),
)
MECHANISMS.add(
    "sa",
    Mechanism(
        layer=ShuffleAttention,
        place=Place.BRANCH_END,
        paper="Zhang & Yang, SA-Net: Shuffle Attention for Deep CNNs, ICASSP 2021",
        fitted=lambda channels: _groups_of(channels, members=2),
    ),
)
MECHANISMS.add(
    "psa_p",
    Mechanism(
        layer=PolarizedSelfAttention,
        fixed={"order": "parallel"},
        place=Place.BEFORE_SPATIAL,
        places=_PSA_ON_MOBILENETS,
        paper=_PSA_PAPER,
    ),
)
MECHANISMS.add(
    "psa_s",
    Mechanism(
        layer=PolarizedSelfAttention,
        fixed={"order": "sequential"},
        place=Place.BEFORE_SPATIAL,
        places=_PSA_ON_MOBILENETS,
        paper=_PSA_PAPER,
    ),
)
MECHANISMS.add(
    "sge",
    Mechanism(
        layer=SGE,
        place=Place.BRANCH_END,
        paper="Li et al., Spatial Group-wise Enhance, 2019",
        fitted=lambda channels: _groups_of(channels, members=1),
    ),
)
MECHANISMS.add(
    "ca",
    Mechanism(
        layer=CoordinateAttention,
        place=Place.BRANCH_END,
        places={
            Family.MOBILENET_V1: Place.BEFORE_PROJECTION,
            Family.MOBILENET_V2: Place.BEFORE_PROJECTION,
        },
        paper="Hou et al., Coordinate Attention for Efficient Mobile Network Design, CVPR 2021",
    ),
)
MECHANISMS.add(
    "gam",
    Mechanism(
        layer=GAM,
        place=Place.BRANCH_END,
        paper="Liu et al., Global Attention Mechanism, 2021",
    ),
)
MECHANISMS.add(
    "simam",
    Mechanism(
        layer=SimAM,
        place=Place.SPATIAL_NORM,
        paper="Yang et al., SimAM: A Simple, Parameter-Free Attention Module for CNNs, ICML 2021",
    ),
)
MECHANISMS.add(
    "ulsam",
    Mechanism(
        layer=ULSAM,
        place=Place.STAGE_END,
        places={
            Family.MOBILENET_V1: Place.IN_PLACE_OF_BLOCK,
            Family.MOBILENET_V2: Place.IN_PLACE_OF_BLOCK,
        },
        paper="Saini et al., ULSAM: Ultra-Lightweight Subspace Attention Module, WACV 2020",
    ),
)
MECHANISMS.add(
    "danet",
    Mechanism(
        layer=DualAttention,
        place=Place.FEATURES_END,
        paper="Fu et al., Dual Attention Network for Scene Segmentation, CVPR 2019",
    ),
)
MECHANISMS.add(
    "ccnet",
    Mechanism(
        layer=CrissCrossAttention,
        place=Place.FEATURES_END,
        paper="Huang et al., CCNet: Criss-Cross Attention for Semantic Segmentation, ICCV 2019",
    ),
)
