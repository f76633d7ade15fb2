"""Writes model_repository/<name>/ so that a reader never meets half a model."""

from pathlib import Path
from tempfile import TemporaryDirectory

from zoo.export.compare import compare, prove
from zoo.export.config import TORCHSCRIPT, config_text
from zoo.export.exporter import Exporter, ExportError
from zoo.export.servable import Servable

VERSION = "1"
CONFIG_FILE = "config.pbtxt"


def export(model: Servable, repository: Path, exporter: Exporter = TORCHSCRIPT) -> Path:
    """Write ``model`` into ``repository`` and return its folder.

    The file is made and compared with eager first, written beside the one it replaces, and moved
    into place by renaming; when any of this fails, what was there stays as it was.

    Raises:
        ExportError: the exported file does not answer as eager does.
    """
    content = prove(exporter, model.served, _size(model))
    folder = repository / model.name
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".staging-", dir=folder) as staging:  # Triton looks past it
        version, config = Path(staging, VERSION), Path(staging, CONFIG_FILE)
        version.mkdir()
        (version / exporter.file_name).write_bytes(content)
        config.write_text(config_text(model.name, model.recipe, exporter), encoding="utf-8")
        _publish(version, folder / VERSION, exporter.file_name)
        config.replace(folder / CONFIG_FILE)
    return folder


def check(model: Servable, repository: Path, exporter: Exporter = TORCHSCRIPT) -> float:
    """Compare what lies in ``repository`` with ``model``; the largest difference of a score.

    Raises:
        ExportError: it was never exported, its config is another one's, or its file does not
            answer as eager does.
    """
    folder = repository / model.name
    file, config = folder / VERSION / exporter.file_name, folder / CONFIG_FILE
    remedy = f"run `python -m zoo export {model.name}`"
    for path in (file, config):
        if not path.exists():
            raise ExportError(f"{path} is missing; {remedy}")
    if config.read_text(encoding="utf-8") != config_text(model.name, model.recipe, exporter):
        raise ExportError(f"{config} is not what the zoo writes today; {remedy}")
    run = exporter.load(file.read_bytes())
    return compare(run, model.served, _size(model))


def _size(model: Servable) -> tuple[int, int]:
    return model.recipe.input.height, model.recipe.input.width


def _publish(staged: Path, version: Path, file_name: str) -> None:
    """One rename: a new version folder appears whole, the file of an old one is swapped."""
    if version.exists():
        (staged / file_name).replace(version / file_name)
    else:
        staged.rename(version)
