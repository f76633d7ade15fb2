"""Published detectors: the reference's answers, and what happens to files that do not fit."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from tests.thorough import some
from tests.zoo.checkpoints.detectors import (
    NAMES,
    RETINANET,
    Expected,
    Shapes,
    expected,
    filled,
    normalised,
    present,
    shapes,
    with_classes,
)
from zoo import weights
from zoo.__main__ import main
from zoo.cards.imported import ImportedCard
from zoo.checkpoints import from_official
from zoo.checkpoints.detectors import DETECTOR_SOURCES, EARLIER_NAMES
from zoo.checkpoints.naming import renamed
from zoo.checkpoints.official import restore
from zoo.checkpoints.state import CheckpointError
from zoo.detectors import Detector
from zoo.detectors.backbone import padded
from zoo.networks import create
from zoo.registry import UnknownNameError


def loaded(name: str, told: Expected) -> Detector:
    network = from_official(
        name,
        filled(shapes(name), told.salt),
        num_classes=told.num_classes,
        image_size=told.image_hw,
    )
    assert isinstance(network, Detector)
    assert not network.training
    return network.double()


@present
@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_the_reference_is_met(name: str) -> None:
    told = expected(name)
    network = loaded(name, told)
    maps = network.backbone(padded(told.images))
    for level, sums in zip(maps, told.fpn.values(), strict=True):
        assert list(level.shape) == sums["shape"]
        assert level.sum().item() == pytest.approx(sums["sum"], abs=1e-9 * sums["abs_sum"])
        assert level.abs().sum().item() == pytest.approx(sums["abs_sum"], rel=1e-9)
    answers = network(told.images)
    for image, count in enumerate(answers[3].flatten().tolist()):
        boxes, scores, classes = (part[image, :count] for part in answers[:3])
        assert classes.tolist() == told.answers[f"labels.{image}"].tolist()
        assert (scores - told.answers[f"scores.{image}"]).abs().max() <= 1e-9
        assert (boxes - told.answers[f"boxes.{image}"]).abs().max() <= 1e-6
        if len(answers) == 5:
            masks = answers[4][image, :count]
            assert masks.shape == (count, 28, 28)
            wanted = told.answers[f"mask28.{image}"].reshape(count, 28, 28)
            assert (masks - wanted).abs().max() <= 1e-9


@present
@pytest.mark.parametrize("name", NAMES[1:])
@torch.inference_mode()
def test_the_proposals_of_the_reference_are_met(name: str) -> None:
    told = expected(name)
    network = loaded(name, told)
    batch = padded(told.images)
    maps = network.backbone(batch)
    boxes, valid = network.rpn(maps, tuple(batch.shape[-2:]), told.image_hw)
    for image, sums in enumerate(told.proposals):
        assert int(valid[image].sum()) == sums["count"]
        assert float(boxes[image][valid[image]].sum()) == pytest.approx(sums["sum"], abs=1e-3)


@present
@pytest.mark.parametrize("name", some(NAMES, RETINANET))
@torch.inference_mode()
def test_other_classes_sizes_and_batches_are_answered_alike(name: str) -> None:
    """21 classes and odd sizes; the images of a batch have no influence on each other."""
    entries = with_classes(shapes(name), before=6, after=21)
    network = from_official(name, filled(entries, salt=7), num_classes=21, image_size=(150, 203))
    assert isinstance(network, Detector)
    network.double().max_detections = 20  # masks take long
    images = normalised(5, (2, 3, 150, 203))
    together = network(images)
    alone = [network(images[[number]]) for number in range(2)]
    assert together[3].min() > 0
    found = together[2][together[1] > 0]
    assert found.max() > 6
    assert found.min() >= DETECTOR_SOURCES[name].first_id
    for part, parts in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(part, torch.cat(parts), rtol=0, atol=1e-9)


@present
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_weights_keep_their_precision(dtype: torch.dtype) -> None:
    state = filled(shapes(RETINANET), salt=1)
    state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}
    network = from_official(RETINANET, state, num_classes=6, image_size=(64, 96))
    for key, value in network.state_dict().items():
        assert value.dtype == state[key].dtype
        assert torch.equal(value, state[key])


def meta(name: str, num_classes: int = 6) -> dict[str, Tensor]:
    """A published state without content, read off the network that we build for it."""
    origin = DETECTOR_SOURCES[name]
    with torch.device("meta"):
        network = create(
            f"{origin.detector}_none",
            num_classes=num_classes,
            image_size=64,
            **origin.options(norm_eps=None),
        )
    return network.state_dict()


@present
@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_are_the_published_ones(name: str) -> None:
    ours: Shapes = {key: tuple(value.shape) for key, value in meta(name).items()}
    assert ours == shapes(name)


@pytest.mark.parametrize("name", NAMES)
def test_files_that_were_released_earlier_load_too(name: str) -> None:
    """They name the layers of heads and pyramid otherwise and have no batch counters."""
    state = {
        renamed(key, EARLIER_NAMES): value
        for key, value in meta(name, 91).items()
        if "num_batches_tracked" not in key
    }
    assert not any(".0.0." in key for key in state if "backbone.body" not in key)
    with torch.device("meta"):
        restored = restore(name, state, num_classes=91, image_size=(480, 640), norm_eps=0.0)
    assert set(restored.report.loaded) == set(state)
    assert all("num_batches_tracked" in key for key in restored.report.fresh)
    norms = [m for m in restored.network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {norm.eps for norm in norms} == {0.0}
    assert restored.options["norm_eps"] == 0.0


def test_earlier_names_are_those_of_the_released_files() -> None:
    earlier = {
        "backbone.fpn.inner_blocks.2.0.weight": "backbone.fpn.inner_blocks.2.weight",
        "backbone.fpn.layer_blocks.0.0.bias": "backbone.fpn.layer_blocks.0.bias",
        "rpn.head.conv.0.0.weight": "rpn.head.conv.weight",
        "head.regression_head.conv.3.0.bias": "head.regression_head.conv.6.bias",
        "head.classification_head.conv.1.0.weight": "head.classification_head.conv.2.weight",
        "roi_heads.mask_head.3.0.weight": "roi_heads.mask_head.mask_fcn4.weight",
        "backbone.body.layer1.0.conv1.weight": "backbone.body.layer1.0.conv1.weight",
        "backbone.fpn.extra_blocks.p6.weight": "backbone.fpn.extra_blocks.p6.weight",
    }
    assert {key: renamed(key, EARLIER_NAMES) for key in earlier} == earlier


@pytest.mark.parametrize("attention", ["simam", "cbam", "ulsam", "ccnet"])
def test_attention_can_be_put_in(attention: str) -> None:
    with torch.device("meta"):
        restored = restore(RETINANET, meta(RETINANET), attention=attention, image_size=64)
    assert restored.name == f"retinanet_rn50_{attention}"
    assert all("attention" in key or "layer" in key for key in restored.report.fresh)
    assert not any(key.startswith(("head", "backbone.fpn")) for key in restored.report.fresh)
    assert restored.report.left_over == ()


@torch.inference_mode()
def test_attention_changes_the_answer_and_nothing_else() -> None:
    entries = {key: tuple(value.shape) for key, value in meta(RETINANET).items()}
    state = filled(entries, salt=1)
    plain = from_official(RETINANET, state)
    network = from_official(RETINANET, state, attention="simam")
    for key, value in network.state_dict().items():
        assert torch.equal(value, plain.state_dict()[key])
    image = torch.randn(1, 3, 64, 64)
    assert not torch.equal(plain(image)[1], network(image)[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": 91}, "num_classes is 91, but this retinanet_resnet50_fpn has 6 classes"),
        ({"image_size": (16, 64)}, "image_size is 16×64"),
    ],
)
def test_what_the_checkpoint_contradicts_is_refused(
    options: dict[str, object], message: str
) -> None:
    with torch.device("meta"), pytest.raises(ValueError, match=message):
        from_official(RETINANET, meta(RETINANET), **options)  # type: ignore[arg-type]


def test_entries_that_do_not_fit_are_named() -> None:
    state = meta(RETINANET)
    del state["head.classification_head.cls_logits.bias"]
    state["roi_heads.box_head.fc6.bias"] = torch.zeros(1)
    with torch.device("meta"), pytest.raises(CheckpointError) as caught:
        from_official(RETINANET, state, num_classes=6, image_size=64)
    assert "missing: head.classification_head.cls_logits.bias;" in str(caught.value)
    assert "unexpected: roi_heads.box_head.fc6.bias" in str(caught.value)


def test_what_is_for_detectors_is_refused_for_classifiers() -> None:
    with pytest.raises(CheckpointError, match="only detectors take image_size"):
        from_official("torchvision_resnet18", {}, image_size=64)


def test_a_misspelt_detector_hears_of_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'maskrcnn_resnet50_fpn'"):
        from_official("maskrcnn_resnet5O_fpn", {})


def import_retinanet(folder: Path, labels: str, *further: str) -> int:
    entries = {key: tuple(value.shape) for key, value in meta(RETINANET, 4).items()}
    file = folder / "coco.safetensors"
    safetensors.torch.save_file(filled(entries, salt=1), file)
    (folder / "labels.txt").write_text(labels)
    words = ["import", RETINANET, str(file), "--name", "coco", "--weights", str(folder)]
    return main([*words, "--labels", str(folder / "labels.txt"), *further])


def test_a_detector_is_imported_with_its_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--image-size", "96x128", "--norm-eps", "0", "--attention", "eca"]
    assert import_retinanet(tmp_path, "__background__\nperson\nN/A\nN/A\n", *options) == 0
    card = weights.read_card("coco", tmp_path)
    assert isinstance(card, ImportedCard)
    assert card.labels == ("__background__", "person", "N/A (2)", "N/A (3)")
    assert (card.network, card.image_hw, card.num_classes) == ("retinanet_rn50_eca", (96, 128), 4)
    assert card.architecture == "RetinaNet on ResNet50"
    assert card.options == {"norm_eps": 0.0}
    network = create(
        card.network, num_classes=card.num_classes, image_size=card.image_size, **card.options
    )
    network.load_state_dict(weights.load("coco", tmp_path))
    assert "96×128 RGB images" in (tmp_path / "coco.md").read_text()
    capsys.readouterr()
    assert main(["info", "coco", "--json", "--weights", str(tmp_path)]) == 0
    info = json.loads(capsys.readouterr().out)
    assert (info["image_size"], info["task"]) == ([96, 128], "detection")
    assert info["cost"]["parameters"] == card.parameters
    assert main(["info", "coco", "--weights", str(tmp_path)]) == 0
    assert "96×128 pixels, 4 classes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("labels", "further", "message"),
    [
        ("a\nb\n", (), "has 2 lines; the network has 4 classes"),
        ("a\na\nb\nc\n", (), "repeats a name"),
        ("a\nb\nc\nd\n", ("--image-size", "16x16"), "image_size is 16×16"),
    ],
)
def test_an_import_that_cannot_be_is_explained(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    labels: str,
    further: tuple[str, ...],
    message: str,
) -> None:
    assert import_retinanet(tmp_path, labels, *further) == 2
    assert message in capsys.readouterr().err
    assert not weights.exist("coco", tmp_path)
