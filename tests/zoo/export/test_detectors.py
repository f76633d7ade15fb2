"""Detectors as files: what Triton loads finds what eager PyTorch finds, or is refused."""

import copy
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from google.protobuf import text_format
from torch import Tensor, nn
from tritonclient.grpc import model_config_pb2 as pb

from contract.codec import decode
from contract.recipe import PARAMETER, Fit, Role, Task
from zoo import weights
from zoo.__main__ import main
from zoo.cards.imported import ImportedCard
from zoo.costs.complexity import cost
from zoo.detectors import Detector, Target
from zoo.export.compare import compare, prove
from zoo.export.compare_detections import furthest_score
from zoo.export.config import config_text
from zoo.export.exporter import Answers, ExportError
from zoo.export.fold import fold
from zoo.export.formats import exporter
from zoo.export.fresh import fresh
from zoo.export.probes import pictures
from zoo.export.repository import check, export
from zoo.export.servable import Servable, trained, unmeasured
from zoo.export.torchscript import TorchScript
from zoo.export.wrap import ServedDetector
from zoo.networks import architecture
from zoo.storage import serialise

NAMES = ["retinanet_mbv2_simam", "frcnn_mbv2_simam", "mrcnn_mbv2_simam", "retinanet_rn18_cbam"]
LABELS = tuple("abcde")
SIZE = (80, 96)  # neither square nor whole strides
TORCHSCRIPT = TorchScript()


def fresh_servable(name: str) -> Servable:
    network = fresh(name, num_classes=len(LABELS), image_size=SIZE)
    return unmeasured(name, network, labels=LABELS, image_size=SIZE)


@pytest.fixture(scope="module")
def models() -> dict[str, Servable]:
    return {name: fresh_servable(name) for name in NAMES}


@pytest.fixture(scope="module")
def files(models: dict[str, Servable]) -> dict[str, bytes]:
    """The models as Triton would load them, each after it was compared with eager."""
    return {name: prove(TORCHSCRIPT, model.served, SIZE) for name, model in models.items()}


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_a_file_finds_something_and_the_same_in_every_batch(
    name: str, files: dict[str, bytes]
) -> None:
    run = TORCHSCRIPT.load(files[name])
    together = run(pictures(3, SIZE))
    boxes, scores, classes, count, *masks = together
    assert count.min() > 5
    assert len(classes[0, : count[0]].unique()) > 1
    assert (classes.dtype, count.dtype, scores.dtype) == (torch.int64, torch.int64, torch.float32)
    assert scores.max() - scores[0, count[0] - 1] > 0.03  # an order that could be wrong
    assert boxes[..., 0::2].max() <= SIZE[1]
    assert boxes[..., 1::2].max() <= SIZE[0]
    assert len(masks) == name.startswith("mrcnn")
    for number in range(3):
        alone = run(pictures(3, SIZE)[number : number + 1])
        furthest_score(alone, tuple(answer[number : number + 1] for answer in together), 0.05)


@pytest.mark.parametrize("name", NAMES)
def test_no_norm_of_the_backbone_and_no_python_is_left(name: str, files: dict[str, bytes]) -> None:
    with pytest.warns(DeprecationWarning, match=r"torch\.jit\.load"):
        module = torch.jit.load(io.BytesIO(files[name]))
    graph = str(module.inlined_graph)
    assert "aten::conv2d" in graph
    assert not re.findall(r"aten::batch_norm|\^\w+|prim::Call\w+|prim::PythonOp", graph)


@pytest.mark.parametrize("name", ["retinanet_mbv2_simam", "frcnn_rn18_none"])
@torch.inference_mode()
def test_folding_a_backbone_keeps_every_map_of_its_pyramid(name: str) -> None:
    backbone = fresh(name, num_classes=5, image_size=SIZE).backbone.double()
    images = torch.randn(2, 3, 64, 96, dtype=torch.float64)
    wanted = backbone(images)
    folded = fold(copy.deepcopy(backbone))
    assert not [layer for layer in folded.modules() if isinstance(layer, nn.BatchNorm2d)]
    for got, one in zip(folded(images), wanted, strict=True):
        torch.testing.assert_close(got, one, rtol=1e-9, atol=1e-9)


def test_fresh_weights_are_the_same_every_time(models: dict[str, Servable]) -> None:
    name = NAMES[0]
    again = fresh_servable(name).served.state_dict()
    for key, value in models[name].served.state_dict().items():
        assert torch.equal(value, again[key]), key


def test_onnx_is_refused_with_the_reason_and_the_remedy(models: dict[str, Servable]) -> None:
    with pytest.raises(ExportError, match=r"loop that depends on the data.*--format torchscript"):
        exporter("onnx").write(models[NAMES[0]].served, SIZE)


@pytest.mark.parametrize("name", NAMES)
def test_config_and_recipe_say_what_the_file_answers(
    name: str, models: dict[str, Servable]
) -> None:
    recipe = models[name].recipe
    text = config_text(name, recipe)
    config = text_format.Parse(text, pb.ModelConfig())
    with torch.inference_mode():
        answers = models[name].served.eval()(pictures(1, SIZE))
    types = {torch.float32: pb.TYPE_FP32, torch.int64: pb.TYPE_INT64}
    assert [(list(output.dims), output.data_type) for output in config.output] == [
        (list(answer.shape[1:]), types[answer.dtype]) for answer in answers
    ]
    assert list(config.input[0].dims) == [*SIZE, 3]
    assert config.max_batch_size == 4
    assert [warmup.batch_size for warmup in config.model_warmup] == [1, 4]
    assert decode(config.parameters[PARAMETER].string_value) == recipe
    assert (recipe.task, recipe.input.fit) == (Task.DETECTION, Fit.LETTERBOX)
    assert recipe.has(Role.MASKS) == name.startswith("mrcnn")
    network, spec = models[name].served.network, recipe.detection
    assert spec.max_detections == network.max_detections
    assert spec.score_threshold == network.score_threshold == 0.05
    assert spec.nms_threshold == network.nms_threshold == 0.5


def test_a_file_of_other_weights_is_refused(tmp_path: Path, models: dict[str, Servable]) -> None:
    model = models["retinanet_mbv2_simam"]
    export(model, tmp_path)
    assert check(model, tmp_path) < 5e-5
    other = copy.deepcopy(model.served)
    other.network.head.classification_head.cls_logits.bias.data += 1e-3
    with pytest.raises(ExportError, match="image 0: "):
        check(replace(model, served=other), tmp_path)


def test_the_command_line_exports_a_detector(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["retinanet_mbv2_none", "--untrained", "--repository", str(tmp_path)]
    assert main(["export", *arguments]) == 0
    assert main(["check", *arguments]) == 0
    assert "equal to eager" in capsys.readouterr().out
    assert main(["export", *arguments, "--format", "onnx"]) == 2
    assert "torchscript" in capsys.readouterr().err


def test_imported_weights_keep_their_numbering_and_their_shape(tmp_path: Path) -> None:
    """A published two-stage detector counts its classes from 1."""
    network = fresh("frcnn_mbv2_none", num_classes=5, image_size=SIZE)
    content = serialise(network.state_dict())
    card = ImportedCard(
        name="mine",
        source="fasterrcnn_resnet50_fpn",
        network="frcnn_mbv2_none",
        options={"first_id": 1},
        architecture=architecture("frcnn_mbv2_none").title,
        attention="none",
        num_classes=6,
        image_size=SIZE,
        shorter_side=None,
        labels=("background", *LABELS),
        parameters=1,
        newly_initialised=0,
        file="mine.pth",
        file_sha256="0" * 64,
        imported_on="2026-01-31",
        weights_sha256=weights.fingerprint(content),
    )
    weights.save(content, card, tmp_path)
    model = trained("mine", tmp_path)
    assert model.recipe.card == replace(card.summary(), macs=cost(network, SIZE).layer_macs)
    assert model.recipe.labels == card.labels
    assert (model.recipe.input.height, model.recipe.input.width) == SIZE
    with torch.inference_mode():
        _, _, classes, count = model.served.eval()(pictures(1, SIZE))
    assert count > 1
    assert classes[0, : count[0, 0]].min() >= 1


def found(
    scores: tuple[float, ...] = (0.9, 0.5, 0.3),
    classes: tuple[int, ...] = (0, 1, 2),
    corners: tuple[float, ...] = (1, 2, 3),
    masks: tuple[float, ...] = (0.1, 0.2, 0.3),
    *,
    slots: int = 5,
    empty: float = 0,
) -> Answers:
    """The detections of one image; three of five slots are filled."""

    def filled(values: tuple[float, ...], dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.tensor([*values, *[empty] * (slots - len(values))], dtype=dtype)[None]

    boxes = filled(corners).unsqueeze(2) * torch.tensor([1.0, 1.0, 2.0, 2.0])
    count = torch.tensor([[len(scores)]])
    shown = filled(masks)[:, :, None, None].expand(1, slots, 28, 28)
    return boxes, filled(scores), filled(classes, torch.int64), count, shown


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (found((0.9, 0.5), (0, 1), (1, 2), (0.1, 0.2)), "the file has not"),
        (found((0.9, 0.5, 0.3, 0.2), (0, 1, 2, 2), (1, 2, 3, 4), (0.1, 0.2, 0.3, 0)), "eager has"),
        (found(scores=(0.9, 0.5, 0.3001)), "eager has not the like of a detection that scores 0.3"),
        (found(scores=(float("nan"), 0.5, 0.3)), "that scores nan"),
        (found(classes=(0, 1, 1)), "eager has not"),
        (found(corners=(1, 2, 3.1)), "eager has not"),
        (found(corners=(1, 2, float("nan"))), "eager has not"),
        (found(classes=(1, 0, 2), corners=(2, 1, 3)), "eager has not"),
        (found(masks=(0.1, 0.2, 0.31)), "a mask differs from eager by 0.01"),
        (found(masks=(0.1, 0.2, float("nan"))), "a mask differs from eager by nan"),
        (found(empty=1), "slots beyond its 3 detections are not zero"),
    ],
)
def test_answers_that_are_not_alike_are_refused(answer: Answers, message: str) -> None:
    with pytest.raises(ExportError, match=re.escape(message)):
        furthest_score(answer, found(), threshold=0.05)


def test_only_scores_within_rounding_may_change_places() -> None:
    eager = found(scores=(0.9, 0.50001, 0.5))
    swapped = found((0.9, 0.50001, 0.5), (0, 2, 1), (1, 3, 2), (0.1, 0.3, 0.2))
    assert 0 < furthest_score(swapped, eager, threshold=0.05) < 2e-5
    doubled = found((0.9, 0.50001, 0.5), (0, 2, 2), (1, 3, 3), (0.1, 0.3, 0.3))
    with pytest.raises(ExportError, match="the file has not"):
        furthest_score(doubled, eager, threshold=0.05)


def test_only_scores_at_the_threshold_may_be_missing() -> None:
    fewer = found((0.9, 0.5), (0, 1), (1, 2), (0.1, 0.2))
    for one, other in ((fewer, found()), (found(), fewer)):
        assert furthest_score(one, other, threshold=0.29999) == 0
        with pytest.raises(ExportError, match="has not the like"):
            furthest_score(one, other, threshold=0.2999)


def test_the_last_of_an_image_without_free_slots_may_be_another() -> None:
    full = found(slots=3)
    furthest_score(found((0.9, 0.5, 0.30001), (0, 1, 0), slots=3), full, threshold=0.05)
    with pytest.raises(ExportError, match="has not the like"):
        furthest_score(found((0.9, 0.5, 0.301), (0, 1, 0), slots=3), full, threshold=0.05)


def test_nothing_found_is_an_answer() -> None:
    nothing = found((), (), (), ())
    assert furthest_score(nothing, nothing, threshold=0.05) == 0


class Answering(Detector):
    """Finds the same in every image, and numbers it in ``dtype``."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__(nn.Identity(), score_threshold=0.05, nms_threshold=0.5, max_detections=5)
        self.dtype = dtype

    def forward(self, images: Tensor) -> Answers:
        boxes, scores, classes, count, _ = found()
        answers = boxes, scores, classes.to(self.dtype), count
        return tuple(answer.expand(len(images), *answer.shape[1:]) for answer in answers)

    def loss(self, images: Tensor, targets: Sequence[Target]) -> dict[str, Tensor]:
        raise AssertionError(f"trained on {len(images)} images and {len(targets)} targets")

    def run_layers(self, images: Tensor) -> None:
        raise AssertionError(f"counted on {len(images)} images")


def test_a_file_that_answers_another_type_is_refused() -> None:
    eager = ServedDetector(Answering(torch.int64))
    assert compare(eager, eager, 8) == 0
    with pytest.raises(ExportError, match="output 2: the file answers"):
        compare(ServedDetector(Answering(torch.int32)), eager, 8)
