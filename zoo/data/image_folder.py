"""Labelled images as files: one folder a class, and these in one folder a part, or not."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import TensorDataset
from tqdm import tqdm

from contract.recipe import Fit, InputSpec
from pixels.fit import fit
from zoo.data.description import Data
from zoo.data.errors import DataError
from zoo.data.files import Files, refuse_too_much
from zoo.data.samples import ClassificationData
from zoo.data.splits import NAMES, draw, find_parts
from zoo.data.wording import refuse_unprintable
from zoo.signs.dataset import Split

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff")
LAYOUT = "DIR/CLASS/*.jpg or DIR/train/CLASS/*.jpg"
Parts = dict[Split, list[tuple[Path, int]]]  # files and the ids of their classes


def open_image_folder(
    root: Path, image_size: int, *, seed: int = 0, skip_broken: bool = False
) -> ClassificationData:
    """The images below ``root``, stretched to ``image_size`` pixels, height and width.

    Their layout is ``root/train/CLASS/*.jpg``, with ``validation`` (or ``val``, ``valid``) and
    ``test`` beside ``train``; or ``root/CLASS/*.jpg``. Parts that are missing are drawn by
    ``seed``, 15 % of every class each. Class ids follow the sorted names of the folders. Hidden
    files and folders are left out, and so are files without one of the ENDINGS.

    Raises:
        DataError: another layout, too few images, a broken one (unless ``skip_broken``), or more
            than fits into memory.
    """
    labels, parts = _deal(root, seed)
    refuse_too_much(root, sum(map(len, parts.values())), 3 * image_size**2)
    files = Files(root, skip_broken=skip_broken)
    train, validation, test = (_read(files, parts[split], labels, image_size) for split in Split)
    return ClassificationData(
        labels=labels,
        train=train,
        validation=validation,
        test=test,
        description=Data(
            task=f"image folder {root.resolve().name}{_left_out(files.broken)}",
            seed=seed,
            train=len(train),
            validation=len(validation),
            test=len(test),
            sha256=files.sha256,
        ),
    )


def _deal(root: Path, seed: int) -> tuple[tuple[str, ...], Parts]:
    """The labels, and the files of every part."""
    folders = _part_folders(root)
    labels = tuple(path.name for path in _subfolders(folders[Split.TRAIN]))
    if len(labels) < 2:
        raise DataError(
            f"{folders[Split.TRAIN]} holds {len(labels)} class folders, and two are the fewest; "
            f"the layout is {LAYOUT}"
        )
    refuse_unprintable(labels, root)
    parts: Parts = {split: [] for split in Split}
    for split, folder in folders.items():
        _refuse_other_classes(folder, labels)
        if split is not Split.TRAIN:
            parts[split] = [
                (path, label)
                for label, name in enumerate(labels)
                for path in _images(root, folder / name)
            ]
    missing = set(Split) - set(folders)
    for label, name in enumerate(labels):
        paths = _images(root, folders[Split.TRAIN] / name)
        if len(paths) <= len(missing):
            raise DataError(
                f"{folders[Split.TRAIN] / name} holds {len(paths)} images, of at least "
                f"{len(missing) + 1}, one for each part: add some, or remove the class"
            )
        for split, chosen in draw(len(paths), seed, missing, stream=label).items():
            parts[split] += [(paths[position], label) for position in chosen]
    return labels, parts


def _part_folders(root: Path) -> dict[Split, Path]:
    """The folders that hold class folders; ``root`` itself, for the training, if it has no parts.

    A class may be called ``train``, but not where that could mean a part.
    """
    if not root.is_dir():
        raise DataError(f"{root} is no folder; images are laid out as {LAYOUT}")
    parts = find_parts(root)
    others = [path.name for path in _subfolders(root) if path not in parts.values()]
    if parts and not others:
        if Split.TRAIN not in parts:
            raise DataError(f"{root} has no folder {NAMES[Split.TRAIN][0]}; the layout is {LAYOUT}")
        return parts
    if any(_subfolders(part) for part in parts.values()):
        raise DataError(
            f"{root} has parts ({', '.join(path.name for path in parts.values())}) and other "
            f"folders ({', '.join(others)}) side by side; the layout is {LAYOUT}"
        )
    return {Split.TRAIN: root}


def _subfolders(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )


def _refuse_other_classes(folder: Path, labels: Sequence[str]) -> None:
    here = {path.name for path in _subfolders(folder)}
    for names, said in ((set(labels) - here, "lacks"), (here - set(labels), "alone has")):
        if names:
            raise DataError(
                f"{folder} {said} the class folders {', '.join(sorted(names))}; every part needs "
                "the same classes"
            )


def _images(root: Path, folder: Path) -> list[Path]:
    """The image files below ``folder``, sorted; links to folders in it are not followed."""
    if root.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{folder} is a link to a folder that holds it: remove it")
    paths: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(place, name) for name in names if _is_image(name)]
    if not paths:
        raise DataError(f"{folder} holds no image ({', '.join(ENDINGS)}): add some, or remove it")
    return sorted(paths)


def _is_image(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(ENDINGS)


def _read(
    files: Files, listed: Sequence[tuple[Path, int]], labels: Sequence[str], side: int
) -> TensorDataset:
    spec = InputSpec(name="image", height=side, width=side, fit=Fit.STRETCH)
    images = np.empty((len(listed), *spec.shape), np.uint8)
    ids: list[int] = []
    for path, label in tqdm(listed, "read images", unit="img", leave=False):
        picture = files.picture(path)
        if picture is not None:
            images[len(ids)] = fit(picture, spec)
            ids.append(label)
    for label in sorted(set(range(len(labels))) - set(ids)):
        raise DataError(
            f"{files.root}: in one part, every image of {labels[label]} is broken; add some"
        )
    return TensorDataset(torch.from_numpy(images[: len(ids)]), torch.tensor(ids))


def _left_out(broken: int) -> str:
    return f" ({broken} broken images left out)" if broken else ""
