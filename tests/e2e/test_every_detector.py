"""Each detector family, light and on a ResNet-50: exported, and served by the real Triton."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import torch
from tritonclient.grpc import InferenceServerClient, InferInput

from runtime.launch import TritonConfig
from runtime.server import TritonProcess
from tests.thorough import some
from zoo.detectors import Detector
from zoo.detectors.create import FAMILIES
from zoo.detectors.designs import LIGHT_TWO_STAGE
from zoo.detectors.two_stage import TwoStageDetector
from zoo.export import repository, servable
from zoo.export.compare_detections import furthest_score
from zoo.export.exporter import Answers
from zoo.export.fresh import fresh
from zoo.export.probes import pictures
from zoo.export.servable import Servable

IMAGE_SIZE = (64, 96)
MOST = 20  # detections of an image
LABELS = tuple("abcde")
ALL = [f"{family}_{on}" for on in ("mbv2_simam", "rn50_none") for family in FAMILIES]
NAMES = some(ALL, *ALL[: len(FAMILIES)], "retinanet_rn50_none")
AT_ONCE = [3, 1, 0, 2, 1, 3]  # pictures, one a request; the server forms batches of up to four


@dataclass
class Running:
    """The detectors under one server."""

    models: dict[str, Servable]
    client: InferenceServerClient

    def ask(self, name: str, images: torch.Tensor) -> Answers:
        tensor = InferInput("INPUT__0", images.shape, "UINT8").set_data_from_numpy(images.numpy())
        answer = self.client.infer(name, [tensor])
        outputs = self.models[name].recipe.outputs
        return tuple(torch.from_numpy(answer.as_numpy(output.name).copy()) for output in outputs)

    def eager(self, name: str, images: torch.Tensor) -> Answers:
        with torch.inference_mode():
            answers: Answers = self.models[name].served.eval()(images)
        return answers

    def batches(self, name: str) -> dict[int, int]:
        """How often each batch size was run."""
        (statistics,) = self.client.get_inference_statistics(name).model_stats
        return {batch.batch_size: batch.compute_infer.count for batch in statistics.batch_stats}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("models")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    models = {}
    for name in NAMES:
        network = small(fresh(name, num_classes=len(LABELS), image_size=IMAGE_SIZE))
        models[name] = servable.unmeasured(name, network, labels=LABELS, image_size=IMAGE_SIZE)
        repository.export(models[name], folder)
    config = TritonConfig(folder, models=NAMES, threads=1)
    url = f"127.0.0.1:{config.ports.grpc}"
    with TritonProcess(config), InferenceServerClient(url) as client:
        yield Running(models, client)
    torch.set_num_threads(threads)


def small(network: Detector) -> Detector:
    """On a ResNet, too, no more to look at than a light one has: second stages take long."""
    network.max_detections = MOST
    if isinstance(network, TwoStageDetector):
        network.rpn.proposals = LIGHT_TWO_STAGE.proposals
    return network


@pytest.mark.parametrize("name", NAMES)
def test_every_batch_is_answered_as_eager_pytorch_does(running: Running, name: str) -> None:
    """Requests that wait together share a batch, and each gets its own rows."""
    threshold = running.models[name].recipe.detection.score_threshold
    images = pictures(4, IMAGE_SIZE)
    wanted = running.eager(name, images)
    assert wanted[3].sum() > 20  # an answer that could be wrong
    four = running.ask(name, images)
    assert [(one.shape, one.dtype) for one in four] == [(o.shape, o.dtype) for o in wanted]
    furthest_score(four, wanted, threshold)
    furthest_score(running.ask(name, images[:1]), rows(wanted, [0]), threshold)
    before = running.batches(name)
    with ThreadPoolExecutor(len(AT_ONCE)) as pool:
        answers = list(pool.map(partial(running.ask, name), images[AT_ONCE].split(1)))
    after = running.batches(name)
    assert any(count > before.get(size, 0) for size, count in after.items() if size > 1)
    together = tuple(torch.cat(parts) for parts in zip(*answers, strict=True))
    furthest_score(together, rows(wanted, AT_ONCE), threshold)


def rows(answers: Answers, numbers: list[int]) -> Answers:
    return tuple(answer[numbers] for answer in answers)
