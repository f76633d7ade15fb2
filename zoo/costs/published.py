"""Costs that others have printed for networks of ours, and why some cannot be met."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

PYTORCH_INSIGHT = "README of implus/PytorchInsight"
SIMAM = "README of ZjjConan/SimAM"
ECA = "README of BangguWu/ECANet"
SA = "README of wofmanaf/SA-Net"
CA = "README of houqb/CoordAttention"
ULSAM = "poster in Nandan91/ULSAM"
ARTICLE = "SimAM article"

WITH_ACTIVATIONS = (
    "the source also counts 2 for each value of a batch norm and 1 for each that is activated or "
    "pooled; for the plain ResNet50 that is the missing 0.033 G"
)
WITH_NORMS = "the source also counts 2 for each value of a batch norm"
WITH_FOUR_PER_NORM = (
    "the source also counts 4 for each value of a batch norm and 1 for each that is activated or "
    "pooled"
)
WITH_OTHERS = "the source also counts norms, activations and pooling"
SUBTRACTED = (
    "the source subtracts from the 3.4 M and 300 M that the MobileNetV2 paper prints; the "
    "network has 3.50 M and 300.8 M"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One row of somebody's table; counts are kept as printed, so that their digits are known.

    ``name`` and ``options`` make the network with ``zoo.create``. A note says why a count differs
    from ours; it is there if and only if they do.
    """

    model: str
    source: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    image_size: int = 224  # pixels
    num_classes: int = 1000
    parameters: str | None = None  # millions
    macs: str | None = None  # thousand millions
    binary_units: bool = False  # millions are 2^20, thousand millions 2^30
    parameters_note: str = ""
    macs_note: str = ""


def _insight(model: str, name: str, parameters: str, macs: str, **options: Any) -> Published:
    return Published(
        model=model,
        source=PYTORCH_INSIGHT,
        name=name,
        options=options,
        parameters=parameters,
        macs=macs,
        macs_note=WITH_ACTIVATIONS,
    )


def _simam(model: str, name: str, parameters: str, macs: str, **options: Any) -> Published:
    return Published(
        model=model,
        source=SIMAM,
        name=name,
        options=options,
        parameters=parameters,
        macs=macs,
        macs_note=WITH_NORMS,
    )


def _eca(model: str, name: str, kernels: tuple[int, ...], parameters: str, macs: str) -> Published:
    """A released ECA ResNet; ``kernels`` are the kernel sizes of its four stages."""
    narrow = (64, 128, 256, 512)
    widths = narrow if name in {"rn18_eca", "rn34_eca"} else tuple(4 * w for w in narrow)
    return Published(
        model=model,
        source=ECA,
        name=name,
        options={"attention": {"kernel_size": dict(zip(widths, kernels, strict=True))}},
        parameters=parameters,
        macs=macs,
        binary_units=True,
        macs_note=WITH_FOUR_PER_NORM,
    )


_ECA_MOBILE = {16: 1, 24: 1, 32: 1, 64: 1, 96: 3, 160: 3, 320: 3}
_BIAS = {"bias": True}
_MOBILE_GATE = {"reduction": 24}  # the ratio that gives the printed counts; the source has none

PUBLISHED = (
    _insight("ResNet50", "rn50_none", "25.56", "4.122"),
    _insight("SE-ResNet50", "rn50_se", "28.09", "4.130", attention=_BIAS),
    _insight("BAM-ResNet50", "rn50_bam", "25.92", "4.205"),
    _insight("CBAM-ResNet50", "rn50_cbam", "28.09", "4.139"),
    _insight("SGE-ResNet50", "rn50_sge", "25.56", "4.127"),
    _insight("ResNet101", "rn101_none", "44.55", "7.849"),
    _insight("SE-ResNet101", "rn101_se", "49.33", "7.863", attention=_BIAS),
    _insight("BAM-ResNet101", "rn101_bam", "44.91", "7.933"),
    _insight("CBAM-ResNet101", "rn101_cbam", "49.33", "7.879"),
    _insight("SGE-ResNet101", "rn101_sge", "44.55", "7.858"),
    _simam("SimAM-R18", "rn18_simam", "11.69", "1.82"),
    _simam("SimAM-R34", "rn34_simam", "21.80", "3.67"),
    _simam("SimAM-R50", "rn50_simam", "25.56", "4.11"),
    _simam("SimAM-R101", "rn101_simam", "44.55", "7.83"),
    _simam("SimAM-RX50 (32x4d)", "resnext50_simam", "25.03", "4.26"),
    _simam("SimAM-MobileNetV2", "mbv2_simam", "3.50", "0.31", form="standard"),
    _eca("ECA-Net18", "rn18_eca", (3, 5, 7, 7), "11.15", "1.70"),
    _eca("ECA-Net34", "rn34_eca", (3, 3, 5, 7), "20.79", "3.43"),
    _eca("ECA-Net50", "rn50_eca", (3, 5, 5, 7), "24.37", "3.86"),
    _eca("ECA-Net101", "rn101_eca", (3, 3, 5, 7), "42.49", "7.35"),
    replace(
        _eca("ECA-Net152", "rn152_eca", (3, 3, 5, 7), "57.41", "10.83"),
        parameters_note="the source rounds 57.405 up",
    ),
    Published(
        model="ECA-MobileNetV2",
        source=ECA,
        name="mbv2_eca",
        options={"form": "standard", "attention": {"kernel_size": _ECA_MOBILE}},
        parameters="3.34",
        macs="0.3199",
        binary_units=True,
        macs_note=WITH_OTHERS,
    ),
    Published(model="SA-ResNet50", source=SA, name="rn50_sa", parameters="25.56"),
    Published(model="SA-ResNet101", source=SA, name="rn101_sa", parameters="44.55"),
    Published(
        model="MobileNetV2-1.0",
        source=CA,
        name="mbv2_none",
        options={"form": "standard"},
        parameters="3.5",
        macs="0.30",
    ),
    Published(
        model="MobileNetV2+SE",
        source=CA,
        name="mbv2_se",
        options={
            "form": "standard",
            "place": "before_projection",
            "attention": _MOBILE_GATE | _BIAS,
        },
        parameters="3.89",
        macs="0.30",
    ),
    Published(
        model="MobileNetV2+CBAM",
        source=CA,
        name="mbv2_cbam",
        options={"form": "standard", "place": "before_projection", "attention": _MOBILE_GATE},
        parameters="3.89",
        macs="0.30",
    ),
    Published(
        model="MobileNetV2+CA",
        source=CA,
        name="mbv2_ca",
        options={"form": "standard"},
        parameters="3.95",
        macs="0.31",
    ),
    Published(model="MobileNetV1", source=ULSAM, name="mbv1_none", parameters="4.2", macs="0.569"),
    Published(
        model="MobileNetV1+ULSAM replacing one block, g=4",
        source=ULSAM,
        name="mbv1_ulsam",
        parameters="3.9",
        macs="0.517",
        parameters_note="the source subtracts 0.27 M from a rounded 4.2 M",
    ),
    Published(
        model="MobileNetV1+ULSAM replacing one block, g=1",
        source=ULSAM,
        name="mbv1_ulsam",
        options={"attention": {"num_splits": 1}},
        parameters="3.9",
        macs="0.517",
        parameters_note="the source subtracts 0.27 M from a rounded 4.2 M",
    ),
    Published(
        model="MobileNetV2",
        source=ULSAM,
        name="mbv2_none",
        options={"form": "standard"},
        parameters="3.4",
        macs="0.30",
        parameters_note="as the MobileNetV2 paper prints it; its network has 3.50 M",
    ),
    Published(
        model="MobileNetV2+ULSAM replacing a 96- and a 160-channel block, g=4",
        source=ULSAM,
        name="mbv2_ulsam",
        options={"form": "standard"},
        parameters="2.96",
        macs="0.26188",
        parameters_note=SUBTRACTED,
        macs_note=SUBTRACTED,
    ),
    Published(
        model="MobileNetV2 with SimAM, 320 channels, 6 classes",
        source=ARTICLE,
        name="mbv2_simam",
        image_size=64,
        num_classes=6,
        parameters="1.578630",
    ),
)
