"""A reader of the model repository never meets half a model."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from zoo.export.exporter import Answers, ExportError, Run
from zoo.export.repository import check, export
from zoo.export.servable import Servable, untrained
from zoo.export.torchscript import TorchScript


@pytest.fixture(scope="module")
def model() -> Servable:
    return untrained("mbv2_none")


@pytest.fixture(scope="module")
def other() -> Servable:
    """A model of the same name that answers something else."""
    return replace(untrained("mbv2_simam"), name="mbv2_none")


class Forgetful(TorchScript):
    """A format whose files answer nothing but zeros."""

    def load(self, file: bytes) -> Run:
        run = super().load(file)

        def zeros(images: Tensor) -> Answers:
            return tuple(torch.zeros_like(answer) for answer in run(images))

        return zeros


def content(repository: Path) -> dict[str, bytes]:
    """Every file under ``repository``, hidden ones included."""
    files = (path for path in repository.rglob("*") if path.is_file())
    return {str(path.relative_to(repository)): path.read_bytes() for path in files}


def test_an_export_is_a_config_and_a_version(tmp_path: Path, model: Servable) -> None:
    folder = export(model, tmp_path / "repository")
    assert folder == tmp_path / "repository/mbv2_none"
    assert set(content(folder)) == {"config.pbtxt", "1/model.pt"}
    assert sorted(path.name for path in folder.iterdir()) == ["1", "config.pbtxt"]
    assert check(model, tmp_path / "repository") <= 1e-5


def test_a_new_export_replaces_the_file_under_its_readers(
    tmp_path: Path, model: Servable, other: Servable
) -> None:
    path = export(model, tmp_path) / "1/model.pt"
    before = path.read_bytes()
    with path.open("rb") as reader:
        export(other, tmp_path)
        assert reader.read() == before
    assert path.read_bytes() != before
    assert set(content(tmp_path)) == {"mbv2_none/config.pbtxt", "mbv2_none/1/model.pt"}


def test_a_refused_export_leaves_the_old_one(tmp_path: Path, model: Servable) -> None:
    export(model, tmp_path)
    before = content(tmp_path)
    with pytest.raises(ExportError):
        export(model, tmp_path, Forgetful())
    assert content(tmp_path) == before


def test_a_write_that_fails_leaves_the_old_config_and_no_rubbish(
    tmp_path: Path, model: Servable
) -> None:
    folder = tmp_path / model.name
    folder.mkdir()
    (folder / "config.pbtxt").write_text("old")
    (folder / "1").write_text("a file where a folder belongs")
    before = content(tmp_path)
    with pytest.raises(NotADirectoryError):
        export(model, tmp_path)
    assert content(tmp_path) == before
    assert sorted(path.name for path in folder.iterdir()) == ["1", "config.pbtxt"]


def test_check_refuses_what_was_never_exported(tmp_path: Path, model: Servable) -> None:
    with pytest.raises(ExportError, match=r"model\.pt is missing; run `python -m zoo export"):
        check(model, tmp_path)


def test_check_refuses_a_file_of_other_weights(
    tmp_path: Path, model: Servable, other: Servable
) -> None:
    export(other, tmp_path)
    with pytest.raises(ExportError, match="differs from eager"):
        check(model, tmp_path)


def test_check_refuses_a_config_that_was_edited(tmp_path: Path, model: Servable) -> None:
    config = export(model, tmp_path) / "config.pbtxt"
    config.write_text(config.read_text().replace("max_batch_size: 8", "max_batch_size: 4"))
    with pytest.raises(ExportError, match="not what the zoo writes today"):
        check(model, tmp_path)


def test_untrained_weights_are_the_same_every_time() -> None:
    first, second = untrained("mbv2_simam"), untrained("mbv2_simam")
    for name, value in first.served.state_dict().items():
        assert torch.equal(value, second.served.state_dict()[name]), name
    assert first.recipe.card is None
