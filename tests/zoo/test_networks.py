"""Every name of the zoo: it builds, declares its levels truly, and takes attention anywhere."""

import warnings

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.zoo.fill import filled, images
from zoo.attention import MECHANISMS
from zoo.attention.eca import ECA
from zoo.attention.sa import ShuffleAttention
from zoo.attention.se import SE
from zoo.attention.sge import SGE
from zoo.backbones import BACKBONES
from zoo.classifiers import ARCHITECTURES, Classifier
from zoo.places import Place

FORMS = [(name, form) for name in BACKBONES for form in BACKBONES[name].forms]
ECA_KERNELS = {
    "rn18_eca": dict(zip((64, 128, 256, 512), (3, 5, 7, 7), strict=True)),
    "rn152_eca": dict(zip((256, 512, 1024, 2048), (3, 3, 5, 7), strict=True)),
}


def on_meta(name: str, **options) -> Classifier:
    """The network without numbers: any size builds and runs at once."""
    with torch.device("meta"):
        return zoo.create(name, num_classes=5, image_size=224, **options).eval()


def layers(network: nn.Module, name: str) -> list[nn.Module]:
    """The attention layers of the network ``name``."""
    kind = ARCHITECTURES[name].mechanism.layer
    return [module for module in network.modules() if isinstance(module, kind)]


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_every_name_builds_a_network_of_the_classes_asked_for(name: str) -> None:
    logits = on_meta(name)(torch.zeros(2, 3, 96, 64, device="meta"))
    assert logits.shape == (2, 5)


@pytest.mark.parametrize("attention", ["none", "bam", "danet"])
@pytest.mark.parametrize(("backbone", "form"), FORMS)
def test_declared_levels_are_what_the_network_computes(
    backbone: str, form: str, attention: str
) -> None:
    features = on_meta(f"{backbone}_{attention}", form=form).features
    maps = features.pyramid(torch.zeros(1, 3, 192, 128, device="meta"))
    shapes = [
        (1, level.channels, 192 // level.stride, 128 // level.stride) for level in features.levels
    ]
    assert [tuple(one.shape) for one in maps] == shapes
    assert (features.channels, features.stride) == features.levels[-1][1:]
    strides = [level.stride for level in features.levels]
    assert strides == [first * 2**step for step in range(len(strides)) for first in strides[:1]]


@torch.inference_mode()
@pytest.mark.parametrize("name", ["mbv1_bam", "mbv2_bam", "rn18_bam", "rn18_ccnet"])
def test_the_pyramid_ends_with_the_features_also_as_torchscript(name: str) -> None:
    features = filled(zoo.create(name, num_classes=5, image_size=64), salt=1, gain=1.4).features
    x = images((2, 3, 64, 96), seed=3)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is deprecated", DeprecationWarning)
        scripted = torch.jit.script(features)
    maps = features.pyramid(x)
    torch.testing.assert_close(maps[-1], features(x), rtol=0, atol=0)
    torch.testing.assert_close(scripted.pyramid(x), maps, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("rn18_simam", {}, 8),
        ("rn50_simam", {}, 16),
        ("rn152_se", {}, 50),
        ("rn50_bam", {}, 3),
        ("rn50_ulsam", {}, 3),
        ("rn50_danet", {}, 1),
        ("mbv1_simam", {}, 13),
        ("mbv1_bam", {}, 4),
        ("mbv1_ulsam", {}, 1),
        ("mbv2_simam", {}, 14),
        ("mbv2_simam", {"form": "standard"}, 17),
        ("mbv2_ca", {"form": "standard"}, 16),
        ("mbv2_bam", {}, 3),
        ("mbv2_ulsam", {"form": "standard"}, 2),
        ("mbv2_ccnet", {}, 1),
    ],
)
def test_attention_sits_in_as_many_spots_as_its_authors_have(
    name: str, options: dict, count: int
) -> None:
    assert len(layers(on_meta(name, **options), name)) == count


@pytest.mark.parametrize(
    ("name", "options", "added"),
    [
        ("rn18_eca", {"attention": {"kernel_size": ECA_KERNELS["rn18_eca"]}}, 44),
        ("rn152_eca", {"attention": {"kernel_size": ECA_KERNELS["rn152_eca"]}}, 234),
        ("rn50_sa", {}, 708),
        ("rn50_sge", {}, 2048),
        ("rn50_simam", {}, 0),
        ("rn50_se", {}, 2_514_944),
        ("rn50_se", {"attention": {"bias": True}}, 2_530_992),
    ],
)
def test_attention_adds_the_published_number_of_parameters(
    name: str, options: dict, added: int
) -> None:
    plain = f"{name.partition('_')[0]}_none"
    assert parameters(on_meta(name, **options)) - parameters(on_meta(plain)) == added


SURROUNDINGS = {  # of the first attention: what runs before it and after it
    "rn50": {
        Place.BEFORE_SPATIAL: ("ReLU", "Conv2d 3"),
        Place.SPATIAL_NORM: ("Conv2d 3", "BatchNorm2d"),
        Place.BEFORE_PROJECTION: ("ReLU", "Conv2d 1"),
        Place.BRANCH_END: ("BatchNorm2d", "Conv2d 1"),  # the shortcut's
    },
    "rn18": {
        Place.BEFORE_SPATIAL: ("ReLU", "Conv2d 3"),
        Place.SPATIAL_NORM: ("Conv2d 3", "BatchNorm2d"),
        Place.BEFORE_PROJECTION: ("ReLU", "Conv2d 3"),
        Place.BRANCH_END: ("BatchNorm2d", "Identity"),
    },
    "mbv1": {
        Place.BEFORE_SPATIAL: ("ReLU", "Conv2d 3"),
        Place.SPATIAL_NORM: ("Conv2d 3", "BatchNorm2d"),
        Place.BEFORE_PROJECTION: ("ReLU", "Conv2d 1"),
        Place.BRANCH_END: ("BatchNorm2d", "ReLU"),
    },
    "mbv2": {
        Place.BEFORE_SPATIAL: ("ReLU6", "Conv2d 3"),
        Place.SPATIAL_NORM: ("Conv2d 3", "BatchNorm2d"),
        Place.BEFORE_PROJECTION: ("ReLU6", "Conv2d 1"),
        Place.BRANCH_END: ("BatchNorm2d", "Conv2d 1"),
    },
}


def execution(network: nn.Module) -> list[str]:
    """What runs, in order, in words; the attention is one word."""
    ran: list[str] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        kernel = f" {module.kernel_size[0]}" if isinstance(module, nn.Conv2d) else ""
        ran.append(type(module).__name__ + kernel)

    for name, module in network.named_modules():
        inside = any(isinstance(network.get_submodule(up), SE) for up in ancestors(name))
        if not inside and (isinstance(module, SE) or not list(module.children())):
            module.register_forward_pre_hook(note)
    network(torch.zeros(1, 3, 64, 64, device="meta"))
    return ran


def ancestors(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


@pytest.mark.parametrize(
    ("backbone", "place"), [(b, place) for b, places in SURROUNDINGS.items() for place in places]
)
def test_another_place_puts_the_attention_there(backbone: str, place: Place) -> None:
    ran = execution(on_meta(f"{backbone}_se", place=place.value))
    spot = ran.index("SE")
    assert (ran[spot - 1], ran[spot + 1]) == SURROUNDINGS[backbone][place]


@pytest.mark.parametrize(
    ("backbone", "place", "channels"),
    [
        ("rn50", Place.STAGE_END, [256, 512, 1024]),
        ("mbv1", Place.STAGE_END, [64, 128, 256, 512]),
        ("mbv2", Place.STAGE_END, [16, 32, 96]),
        ("rn50", Place.FEATURES_END, [2048]),
        ("mbv1", Place.FEATURES_END, [1024]),
        ("mbv2", Place.FEATURES_END, [320]),
        ("rn50", Place.IN_PLACE_OF_BLOCK, [1024, 2048]),
        ("mbv1", Place.IN_PLACE_OF_BLOCK, [512]),
        ("mbv2", Place.IN_PLACE_OF_BLOCK, [96, 160]),
    ],
)
def test_places_between_blocks_have_the_channels_of_their_maps(
    backbone: str, place: Place, channels: list[int]
) -> None:
    network = on_meta(f"{backbone}_se", place=place.value)
    squeezes = [m.fc[0] for m in network.modules() if isinstance(m, SE)]
    assert [squeeze.in_features for squeeze in squeezes] == channels


def test_a_replaced_block_is_gone() -> None:
    plain, replaced = on_meta("mbv1_none").features, on_meta("mbv1_ulsam").features
    assert len(plain) == len(replaced) == 14
    assert parameters(plain[11]) - parameters(replaced[11]) == 512 * (9 + 512 + 4) - (5 * 512 + 12)


def test_attention_of_a_resnet_has_the_documented_keys() -> None:
    assert "features.layer1.0.attention.fc.0.weight" in on_meta("rn18_se").state_dict()
    assert "features.attention3.channel.0.weight" in on_meta("rn18_bam").state_dict()
    assert "features.attention_last.gamma" in on_meta("rn18_ccnet").state_dict()
    simam, plain = on_meta("rn18_simam").state_dict(), on_meta("rn18_none").state_dict()
    assert list(simam) == list(plain)


def test_groups_are_as_many_as_the_channels_allow() -> None:
    sa = layers(on_meta("mbv2_sa"), "mbv2_sa")
    groups = {2 * m.groups * m.cweight.shape[1]: m.groups for m in sa}  # by channels
    assert groups == {16: 8, 32: 16, 64: 32, 96: 48, 160: 40, 320: 40}
    sge = layers(on_meta("mbv2_sge"), "mbv2_sge")
    assert [layer.groups for layer in sge if isinstance(layer, SGE)][-2:] == [40, 64]
    resnet = layers(on_meta("rn50_sa"), "rn50_sa")
    assert {layer.groups for layer in resnet if isinstance(layer, ShuffleAttention)} == {64}


def test_groups_asked_for_are_kept_or_refused() -> None:
    sge = layers(on_meta("mbv2_sge", attention={"groups": 8}), "mbv2_sge")
    assert {layer.groups for layer in sge if isinstance(layer, SGE)} == {8}
    with pytest.raises(ValueError, match="groups is 64"):
        on_meta("mbv2_sa", attention={"groups": 64})


def test_a_hyper_parameter_may_differ_between_the_channels() -> None:
    kernels = ECA_KERNELS["rn18_eca"]
    network = on_meta("rn18_eca", attention={"kernel_size": kernels})
    sizes = [layer.kernel_size for layer in network.modules() if isinstance(layer, ECA)]
    assert sizes == [3, 3, 5, 5, 7, 7, 7, 7]
    with pytest.raises(ValueError, match=r"kernel_size has values for 64 channels; .* for 128"):
        on_meta("rn18_eca", attention={"kernel_size": {64: 3}})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "rn18_se",
            {"attention": {"ratio": 8}},
            "no hyper-parameter 'ratio'; SE takes reduction, bias",
        ),
        ("rn18_psa_p", {"attention": {"order": "parallel"}}, "takes form"),
        ("rn18_none", {"attention": {"groups": 8}}, "takes none at all"),
        ("rn18_none", {"place": "branch_end"}, "there is no attention to put there"),
        ("rn18_se", {"place": "nowhere"}, r"choose one of before_spatial, .*in_place_of_block"),
        ("rn18_se", {"place": "top"}, "place is 'top'; choose one of"),
        ("rn18_se", {"form": "article"}, "form is 'article'; ResNet18 has standard"),
        ("rn18_se", {"attention": {"reduction": 100}}, "reduction is 100"),
    ],
)
def test_what_a_network_cannot_honour_is_refused(name: str, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        on_meta(name, **options)


def test_dropout_comes_before_the_linear_layer() -> None:
    plain, dropping = on_meta("mbv2_none"), on_meta("mbv2_none", dropout=0.2)
    assert "classifier.0.weight" in plain.state_dict()
    assert "classifier.1.weight" in dropping.state_dict()
    assert [type(m).__name__ for m in dropping.classifier] == ["Dropout", "Linear"]
    assert dropping.classifier[0].p == 0.2


def test_every_mechanism_has_a_paper_and_a_place() -> None:
    for name in MECHANISMS:
        mechanism = MECHANISMS[name]
        assert (mechanism.paper is None) == (mechanism.place is Place.NOWHERE) == (name == "none")
        assert mechanism.place.where
