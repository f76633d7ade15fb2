"""The table of backbones: each takes an insertion of attention and declares its levels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from zoo.backbones import resnet as designs
from zoo.backbones.levels import Features
from zoo.backbones.mobile import ARTICLE, STANDARD, mobilenet_v2
from zoo.backbones.mobile_v1 import mobilenet_v1
from zoo.backbones.resnet import Design, resnet
from zoo.places import Family, Insertion
from zoo.registry import Table

Build = Callable[[Insertion], Features]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """One backbone; the first of its ``forms`` is the one its name stands for."""

    title: str
    family: Family
    forms: Mapping[str, Build]
    image_size: int = 224  # pixels, that networks without weights are built and measured for
    num_classes: int = 1000  # likewise
    other_titles: Mapping[str, str] = field(default_factory=dict)  # of forms that `title` misnames

    @property
    def form(self) -> str:
        """The name of the default form."""
        return next(iter(self.forms))

    def title_of(self, form: str | None = None) -> str:
        """The full name of ``form``, or of the default one."""
        return self.other_titles.get(form or self.form, self.title)

    def build(self, insertion: Insertion, form: str | None = None) -> Features:
        """The features of ``form``; ValueError if the backbone has no such form."""
        name = self.form if form is None else form
        if name not in self.forms:
            raise ValueError(f"form is {name!r}; {self.title} has {', '.join(self.forms)}")
        return self.forms[name](insertion)


BACKBONES: Table[Backbone] = Table("backbone")
BACKBONES.add(
    "mbv1",
    Backbone(
        title="MobileNetV1",
        family=Family.MOBILENET_V1,
        forms={"standard": mobilenet_v1},
    ),
)
BACKBONES.add(
    "mbv2",
    Backbone(
        title="MobileNetV2 (320-channel form)",
        family=Family.MOBILENET_V2,
        forms={
            "article": partial(mobilenet_v2, ARTICLE),
            "standard": partial(mobilenet_v2, STANDARD),
        },
        image_size=64,
        num_classes=6,
        other_titles={"standard": "MobileNetV2"},
    ),
)


def _add_resnet(name: str, title: str, design: Design) -> None:
    forms = {"standard": partial(resnet, design)}
    BACKBONES.add(name, Backbone(title=title, family=Family.RESNET, forms=forms))


_add_resnet("rn18", "ResNet18", designs.RN18)
_add_resnet("rn34", "ResNet34", designs.RN34)
_add_resnet("rn50", "ResNet50", designs.RN50)
_add_resnet("rn101", "ResNet101", designs.RN101)
_add_resnet("rn152", "ResNet152", designs.RN152)
_add_resnet("rn50d", "ResNet50-D", designs.RN50D)
_add_resnet("resnext50", "ResNeXt50 32x4d", designs.RESNEXT50_32X4D)
