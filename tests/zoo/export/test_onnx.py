"""ONNX Runtime answers what eager PyTorch answers, from a file written for Triton's backend."""

from dataclasses import replace
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as pb

from zoo.__main__ import main
from zoo.export.exporter import ExportError
from zoo.export.formats import FORMATS, exporter
from zoo.export.probes import probe
from zoo.export.repository import check
from zoo.export.servable import Servable, untrained


@pytest.fixture(scope="module")
def model() -> Servable:
    return untrained("mbv2_simam")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    command = ["export", "mbv2_simam", "--untrained", "--format", "onnx"]
    assert main([*command, "--repository", str(folder)]) == 0
    return folder


def test_onnx_runtime_answers_as_eager_does(model: Servable, repository: Path) -> None:
    assert check(model, repository, exporter("onnx")) <= 1e-5


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_any_batch_can_be_asked(model: Servable, repository: Path, batch: int) -> None:
    file = repository / "mbv2_simam/1/model.onnx"
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    scores, maps = session.run(["OUTPUT__0", "OUTPUT__1"], {"INPUT__0": probe(batch, 64).numpy()})
    with torch.inference_mode():
        wanted = model.served.eval()(probe(batch, 64))
    torch.testing.assert_close(torch.from_numpy(scores), wanted[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(torch.from_numpy(maps), wanted[1], rtol=1e-4, atol=1e-4)


def test_the_file_is_whole_and_well_formed(repository: Path) -> None:
    graph = onnx.load(repository / "mbv2_simam/1/model.onnx")
    onnx.checker.check_model(graph, full_check=True)
    assert [path.name for path in (repository / "mbv2_simam/1").iterdir()] == ["model.onnx"]


def test_the_config_names_the_backend_and_keeps_the_recipe(
    model: Servable, repository: Path
) -> None:
    text = (repository / "mbv2_simam/config.pbtxt").read_text()
    config = text_format.Parse(text, pb.ModelConfig())
    assert config.backend == "onnxruntime"
    assert list(config.parameters) == ["fovea_recipe"]
    assert [list(output.dims) for output in config.output] == [[6], [3, 4, 4]]


def test_a_file_of_other_weights_is_refused(model: Servable, repository: Path) -> None:
    other = replace(untrained("mbv2_none"), name="mbv2_simam", recipe=model.recipe)
    with pytest.raises(ExportError, match="differs from eager"):
        check(other, repository, exporter("onnx"))


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ExportError, match=f"there are: {', '.join(FORMATS)}"):
        exporter("caffe")
