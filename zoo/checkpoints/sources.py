"""The published networks whose checkpoints load, by the names of the reference data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.checkpoints.hyper import Hyper, fixed, kernel_size, reduction
from zoo.checkpoints.naming import (
    BAM,
    CBAM,
    COORDINATE_MOBILENET,
    MOBILENET,
    MOBILENET_WITH_DROPOUT,
    RESNET,
    SIMAM,
    Rules,
    attribute,
    behind,
)
from zoo.registry import Table


@dataclass(frozen=True, slots=True)
class Source:
    """One published network: which of ours it is, and how it names and sizes its entries."""

    backbone: str  # the zoo's name
    attention: str  # the zoo's name
    rules: Rules  # from our names to its own
    hyper: Hyper = field(default_factory=fixed)
    options: Mapping[str, Any] = field(default_factory=dict)  # more arguments of zoo.create
    image_size: int = 224  # pixels, of its published results
    shorter_side: int | None = 256  # pixels, before the centre is cropped; None: stretched


BASIC, BOTTLENECK = (18, 34), (50, 101, 152)
SIMAM_HYPER = fixed(lambda_=0.1)
SE_LAYER, CBAM_LAYER, BAM_LAYER = ".fc.0.weight", ".ChannelGate.mlp.1.weight", ".gate_c_fc_0.weight"
STANDARD = {"form": "standard"}

SOURCES: Table[Source] = Table("published network")


def _add_resnets(
    family: str,
    attention: str,
    rules: Rules,
    hyper: Hyper,
    depths: tuple[int, ...] = (*BASIC, *BOTTLENECK),
) -> None:
    for depth in depths:
        source = Source(f"rn{depth}", attention, (*rules, *RESNET), hyper)
        SOURCES.add(f"{family}_resnet{depth}", source)


# The networks of SimAM's authors, and SE and CBAM as attached by their code.
_add_resnets("simam", "simam", SIMAM, SIMAM_HYPER)
SOURCES.add("simam_resnet50d", Source("rn50d", "simam", (*SIMAM, *RESNET), SIMAM_HYPER))
SOURCES.add("simam_resnext50_32x4d", Source("resnext50", "simam", (*SIMAM, *RESNET), SIMAM_HYPER))
SOURCES.add("simam_mobilenet_v2", Source("mbv2", "simam", MOBILENET, SIMAM_HYPER, STANDARD))
for _norm, _depths in (("bn2", BASIC), ("bn3", BOTTLENECK)):
    _add_resnets("simamrepo_se", "se", behind(_norm), reduction(SE_LAYER), _depths)
    _add_resnets("simamrepo_cbam", "cbam", (*behind(_norm), *CBAM), reduction(CBAM_LAYER), _depths)
SOURCES.add(
    "simamrepo_se_mobilenet_v2", Source("mbv2", "se", MOBILENET, reduction(SE_LAYER), STANDARD)
)
SOURCES.add(
    "simamrepo_cbam_mobilenet_v2", Source("mbv2", "cbam", CBAM, reduction(CBAM_LAYER), STANDARD)
)

# SA-Net's authors, whose 64 groups need the channels of bottlenecks.
_add_resnets("sa", "sa", attribute("sa"), fixed(), BOTTLENECK)

# ECA-Net's authors.
for _norm, _depths in (("bn2", BASIC), ("bn3", BOTTLENECK)):
    _kernels = kernel_size(((rf"^(layer\d\.\d+)\.{_norm}\.weight$", r"\1.eca.conv.weight"),))
    _add_resnets("eca", "eca", attribute("eca"), _kernels, _depths)
SOURCES.add(
    "eca_mobilenet_v2",
    Source(
        "mbv2",
        "eca",
        MOBILENET_WITH_DROPOUT,
        kernel_size(
            (
                (r"^(features\.1\.conv)\.2\.weight$", r"\1.3.conv.weight"),
                (r"^(features\.(?!1\.)\d+\.conv)\.3\.weight$", r"\1.4.conv.weight"),
            )
        ),
        STANDARD,
    ),
)

# The authors of CBAM and BAM. Their fixed 7×7 pool is the global one at 224 pixels.
_add_resnets("cbam", "cbam", (*attribute("cbam"), *CBAM), reduction(CBAM_LAYER))
_add_resnets("bam", "bam", BAM, reduction(BAM_LAYER))

# PytorchInsight, and the PyTorch port of SE.
_add_resnets("sge", "sge", attribute("sge"), fixed())
_add_resnets("insight_se", "se", attribute("se"), reduction(SE_LAYER, bias=True))
_add_resnets("se", "se", attribute("se"), reduction(SE_LAYER))

# The authors of coordinate attention, and the SimAM article.
SOURCES.add("mbv2_ca", Source("mbv2", "ca", COORDINATE_MOBILENET, options=STANDARD))
SOURCES.add(
    "seed_simam_mobilenetv2_c320",
    Source("mbv2", "simam", MOBILENET, SIMAM_HYPER, image_size=64, shorter_side=None),
)
SOURCES.add(
    "seed_mobilenetv2_c320_noatt",
    Source("mbv2", "none", MOBILENET, image_size=64, shorter_side=None),
)

# Plain networks, into which any mechanism can be put.
_add_resnets("torchvision", "none", (), fixed())
SOURCES.add("torchvision_resnext50_32x4d", Source("resnext50", "none", RESNET))
SOURCES.add(
    "torchvision_mobilenet_v2",
    Source("mbv2", "none", MOBILENET_WITH_DROPOUT, options=STANDARD),
)
