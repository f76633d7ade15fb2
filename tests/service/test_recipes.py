"""A folder of recipes is followed as it changes."""

from pathlib import Path

import pytest

from service.recipes import LARGEST_BYTES, RecipeFolder

TOML = """
task = "classification"
labels = ["cat", "dog"]
input = { name = "x", height = 32, width = 32, fit = "stretch" }
outputs = [{ name = "y", role = "probabilities" }]
"""


def labels(folder: RecipeFolder, model: str = "pets") -> tuple[str, ...]:
    given = folder.of(model)
    assert given is not None
    assert given.recipe is not None
    return given.recipe.labels


def test_files_come_change_and_go(tmp_path: Path) -> None:
    folder = RecipeFolder(tmp_path)
    folder.refresh()
    assert folder.of("pets") is None
    file = tmp_path / "pets.toml"
    file.write_text(TOML)
    folder.refresh()
    assert labels(folder) == ("cat", "dog")
    file.write_text(TOML.replace("dog", "wolf"))
    folder.refresh()
    assert labels(folder) == ("cat", "wolf")
    file.unlink()
    folder.refresh()
    assert folder.of("pets") is None


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    folder = RecipeFolder(tmp_path)
    (tmp_path / "pets.toml").write_text(TOML)
    folder.refresh()
    before = folder.of("pets")
    folder.refresh()
    assert folder.of("pets") is before


def test_files_that_are_swapped_as_kubernetes_does_are_noticed(tmp_path: Path) -> None:
    for name, animal in (("old", "dog"), ("new", "wolf")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pets.toml").write_text(TOML.replace("dog", animal))
    mounted = tmp_path / "mounted"
    mounted.symlink_to("old")
    folder = RecipeFolder(mounted)
    folder.refresh()
    (tmp_path / "next").symlink_to("new")
    (tmp_path / "next").rename(mounted)
    folder.refresh()
    assert labels(folder) == ("cat", "wolf")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"labels = ", "pets.toml: it is not TOML"),
        (b"\xff\xfe", "pets.toml: 'utf-8' codec"),
        (b"#" * (LARGEST_BYTES + 1), "pets.toml: it has 1000001 bytes"),
    ],
)
def test_a_wrong_file_is_told_once_and_keeps_the_recipe_before_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, fault: str
) -> None:
    file, folder = tmp_path / "pets.toml", RecipeFolder(tmp_path)
    file.write_text(TOML)
    folder.refresh()
    file.write_bytes(content)
    for _ in range(3):
        folder.refresh()
    assert labels(folder) == ("cat", "dog")
    given = folder.of("pets")
    assert given is not None
    assert given.fault.startswith(fault)
    assert [record.message for record in caplog.records].count(
        f"a recipe is wrong: {given.fault}"
    ) == 1


def test_a_folder_that_vanishes_leaves_no_recipe_and_no_exception(tmp_path: Path) -> None:
    folder = RecipeFolder(tmp_path / "gone")
    folder.refresh()
    assert folder.of("pets") is None
