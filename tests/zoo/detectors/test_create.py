"""Every detector by its name: it is built, its size is the published one, and it says no."""

import pytest
import torch
from torch import nn

import zoo
from zoo.attention import MECHANISMS
from zoo.backbones import BACKBONES
from zoo.detectors import DETECTORS, Detector, create_detector
from zoo.detectors.create import FAMILIES
from zoo.registry import UnknownNameError

# torchvision's documentation counts 91 classes and no affine parameters of the batch norms.
PUBLISHED = {
    "retinanet_rn50_none": (34_014_999, 0),
    "frcnn_rn50_none": (41_755_286, 1),
    "mrcnn_rn50_none": (44_401_393, 1),
}


def built(name: str, **options: object) -> Detector:
    """Without content."""
    chosen = {"num_classes": 5, "image_size": 64} | options
    with torch.device("meta"):
        network = zoo.create(name, **chosen)  # type: ignore[arg-type]
    assert isinstance(network, Detector)
    return network


def test_there_is_one_of_every_combination() -> None:
    assert len(list(DETECTORS)) == len(FAMILIES) * len(list(BACKBONES)) * len(list(MECHANISMS))


def some_names() -> list[str]:
    """Every backbone, and every mechanism on two; classifiers' tests have all combinations."""
    classifiers = [f"{backbone}_none" for backbone in BACKBONES]
    classifiers += [f"{backbone}_{name}" for backbone in ("mbv2", "rn18") for name in MECHANISMS]
    return [f"{family}_{name}" for family in FAMILIES for name in sorted(set(classifiers))]


@pytest.mark.parametrize("name", some_names())
def test_it_is_built_and_its_layers_fit_together(name: str) -> None:
    network = built(name)
    image = torch.zeros(1, 3, 64, 64, device="meta")
    with torch.inference_mode():
        network.eval().run_layers(image)
    mechanism = DETECTORS[name].mechanism
    inside = any(isinstance(layer, mechanism.layer) for layer in network.backbone.body.modules())
    assert inside or DETECTORS[name].attention == "none"


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name: str) -> None:
    published, first_id = PUBLISHED[name]
    network = built(name, num_classes=91, first_id=first_id)
    affine = sum(
        p.numel()
        for layer in network.modules()
        if isinstance(layer, nn.BatchNorm2d)
        for p in layer.parameters()
    )
    assert sum(p.numel() for p in network.parameters()) - affine == published


def test_the_light_one_is_light() -> None:
    parameters = sum(p.numel() for p in built("retinanet_mbv2_simam").parameters())
    assert parameters < 3_000_000


def test_the_maps_of_every_form_are_used() -> None:
    strides = {
        form: built("retinanet_mbv2_simam", form=form).backbone.strides
        for form in ("article", "standard")
    }
    assert strides == {"article": [8, 16], "standard": [8, 16, 32]}


def test_the_same_seed_makes_the_same_detector() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        network = create_detector("retinanet_mbv2_se", num_classes=2, image_size=64)
        assert network.training
        states.append(network.state_dict())
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def test_batch_norms_take_another_epsilon() -> None:
    norms = [m for m in built("retinanet_rn18_se", norm_eps=0.0).modules() if hasattr(m, "eps")]
    assert {norm.eps for norm in norms if isinstance(norm, nn.BatchNorm2d)} == {0.0}


@pytest.mark.parametrize("name", ["retinanet_mbv2_simom", "frcnn_rn5O_cbam"])
def test_an_unknown_name_hears_of_the_nearest_and_of_the_rule(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean .* Names are <family>_") as caught:
        zoo.create(name, num_classes=2, image_size=64)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 31}, "image_size is 31×31; retinanet_rn18_none needs at least 32"),
        ({"image_size": (64, 16)}, "64×16"),
        ({"num_classes": 0}, "num_classes is 0; retinanet_rn18_none needs at least 1"),
        ({"first_id": 1}, "RetinaNet has no background class"),
        ({"form": "round"}, "form is 'round'"),
        ({"attention": {"reduction": 4}}, "no hyper-parameter 'reduction'"),
    ],
)
def test_what_cannot_be_honoured_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        built("retinanet_rn18_none", **options)


def test_a_background_is_no_class_to_answer() -> None:
    with pytest.raises(ValueError, match="needs at least 2"):
        built("frcnn_rn18_none", num_classes=1, first_id=1)


def test_a_classifier_takes_squares_only() -> None:
    with pytest.raises(ValueError, match=r"image_size is \(64, 96\); mbv2_none takes one number"):
        zoo.create("mbv2_none", num_classes=2, image_size=(64, 96))
