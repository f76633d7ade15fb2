"""Checkpoint files become weights of the zoo that can be exported like trained ones."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from contract.codec import decode, encode
from contract.recipe import Fit
from tests.zoo.checkpoints.networks import SEED, published_on_cpu, seed_checkpoint
from zoo import weights
from zoo.cards.imported import ImportedCard, from_json, to_json, to_markdown
from zoo.checkpoints.importer import import_checkpoint, read
from zoo.checkpoints.state import CheckpointError
from zoo.export import repository, servable
from zoo.weights import WeightsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """As training scripts save: data-parallel names inside a wrapper."""
    state = {f"module.{key}": value for key, value in seed_checkpoint().items()}
    path = tmp_path / "model_best.pth.tar"
    torch.save({"epoch": 90, "arch": "mobilenet", "state_dict": state}, path)
    return path


def imported_card(name: str, folder: Path) -> ImportedCard:
    card = weights.read_card(name, folder)
    assert isinstance(card, ImportedCard)
    return card


def test_an_imported_file_is_served_like_trained_weights(file: Path, tmp_path: Path) -> None:
    report = import_checkpoint(SEED, file, "signs", folder=tmp_path)
    assert len(report.loaded) == 260
    model = servable.trained("signs", tmp_path)
    checkpoint = seed_checkpoint()
    for key, value in model.served.network.state_dict().items():
        assert torch.equal(value, checkpoint[key]), key
    assert model.recipe.labels == ("class_0", "class_1", "class_2", "class_3", "class_4", "class_5")
    assert model.recipe.input.fit is Fit.STRETCH
    folder = repository.export(model, tmp_path / "repository")  # refuses what differs from eager
    assert (folder / "config.pbtxt").exists()


def test_an_imagenet_network_is_rebuilt_with_its_hyper_parameters(tmp_path: Path) -> None:
    path = tmp_path / "eca.safetensors"
    safetensors.torch.save_file(published_on_cpu("eca_resnet18"), path)
    import_checkpoint("eca_resnet18", path, "rn18_eca", folder=tmp_path)
    recipe = servable.trained("rn18_eca", tmp_path).recipe
    assert (recipe.input.fit, recipe.input.shorter_side, recipe.input.height) == (
        Fit.CROP,
        256,
        224,
    )
    kernels = imported_card("rn18_eca", tmp_path).options["attention"]["kernel_size"]
    assert kernels == {64: 3, 128: 5, 256: 5, 512: 5}


def test_the_card_claims_nothing_that_nobody_measured(file: Path, tmp_path: Path) -> None:
    import_checkpoint(SEED, file, "signs", folder=tmp_path)
    card = imported_card("signs", tmp_path)
    recipe = servable.trained_recipe(card)
    assert recipe.card is not None
    assert (recipe.card.epochs, recipe.card.trained_on, recipe.card.metrics) == (None, None, {})
    assert recipe.card.data == f"not recorded; imported as {SEED} from model_best.pth.tar"
    assert decode(encode(recipe)) == recipe
    assert from_json(to_json(card)) == card
    assert "nobody measured" in to_markdown(card)
    with pytest.raises(WeightsError, match="signs was imported"):
        weights.read_trained_card("signs", tmp_path)


def test_fresh_attention_is_declared(tmp_path: Path) -> None:
    path = tmp_path / "plain.pth"
    torch.save(published_on_cpu("torchvision_mobilenet_v2"), path)
    import_checkpoint("torchvision_mobilenet_v2", path, "new", folder=tmp_path, attention="eca")
    card = imported_card("new", tmp_path)
    assert (card.network, card.newly_initialised) == ("mbv2_eca", 17)
    assert card.architecture == "MobileNetV2"  # not the 320-channel form
    assert "**17 entries were not in that file" in to_markdown(card)


def test_labels_come_from_a_file(file: Path, tmp_path: Path) -> None:
    names = tmp_path / "labels.txt"
    names.write_text("red\nstraight\nleft\nno driving\nno parking\nbackground\n")
    import_checkpoint(SEED, file, "signs", folder=tmp_path, labels=names)
    assert imported_card("signs", tmp_path).labels[3] == "no driving"


@pytest.mark.parametrize(
    ("text", "message"), [("a\nb\n", "2 lines; the network has 6"), ("a\n" * 6, "repeats a name")]
)
def test_labels_that_do_not_fit_are_refused(
    file: Path, tmp_path: Path, text: str, message: str
) -> None:
    names = tmp_path / "labels.txt"
    names.write_text(text)
    with pytest.raises(CheckpointError, match=message):
        import_checkpoint(SEED, file, "signs", folder=tmp_path, labels=names)
    assert not weights.exist("signs", tmp_path)


def test_half_precision_is_widened_for_serving(tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    half = {k: v.half() if v.is_floating_point() else v for k, v in seed_checkpoint().items()}
    safetensors.torch.save_file(half, path)
    import_checkpoint(SEED, path, "signs", folder=tmp_path)
    stored = weights.load("signs", tmp_path)
    assert stored["features.0.0.weight"].dtype == torch.float32


class Trap:
    """A pickle that would write a file."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.victim,)


def test_nothing_in_a_pickle_is_executed(tmp_path: Path) -> None:
    path, victim = tmp_path / "trap.pth", tmp_path / "victim"
    torch.save({"state_dict": Trap(victim)}, path)
    with pytest.raises(CheckpointError, match=r"trap\.pth cannot be read as tensors"):
        read(path)
    assert not victim.exists()


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04 cut"])
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"damaged.{suffix}"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read as tensors"):
        read(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    for suffix in ("pth", "safetensors"):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / f"absent.{suffix}")


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "two words"])
def test_names_that_are_no_folder_of_a_repository_are_refused(file: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="must be letters"):
        import_checkpoint(SEED, file, name, folder=file.parent)


def test_a_taken_name_is_refused(file: Path, tmp_path: Path) -> None:
    import_checkpoint(SEED, file, "signs", folder=tmp_path)
    before = json.loads((tmp_path / "signs.json").read_text())
    with pytest.raises(CheckpointError, match="has weights called signs"):
        import_checkpoint(SEED, file, "signs", folder=tmp_path)
    assert json.loads((tmp_path / "signs.json").read_text()) == before
