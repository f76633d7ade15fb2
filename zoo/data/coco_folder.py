"""Images with boxes, and perhaps masks, in COCO's format."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from tqdm import tqdm

from contract.recipe import Fit, InputSpec
from pixels.errors import UnreadableError
from pixels.fit import Placement, fit, place
from pixels.geometry import Geometry
from zoo.data.coco_file import Annotation, CocoFile, Entry, parse
from zoo.data.description import Data
from zoo.data.errors import DataError
from zoo.data.files import Files, refuse_too_much
from zoo.data.outlines import letterboxed_mask, outline
from zoo.data.samples import DetectionData, Photograph
from zoo.data.splits import draw, find_parts
from zoo.data.wording import refuse_unprintable
from zoo.signs.dataset import Split

LAYOUT = "DIR/annotations.json or DIR/train.json, with the images in DIR or DIR/images"
Parts = dict[Split, list[tuple[Path, Entry]]]  # image files and what is in them


def open_coco_folder(
    root: Path,
    image_hw: tuple[int, int],
    *,
    seed: int = 0,
    with_masks: bool = False,
    skip_broken: bool = False,
) -> DetectionData:
    """The images that COCO files in ``root`` list, letterboxed to ``image_hw`` pixels.

    The files are ``train.json``, with ``validation.json`` (or ``val``, ``valid``) and
    ``test.json`` beside it; or ``annotations.json``. Parts that are missing are drawn by
    ``seed``, 15 % of the images each. An image is looked for in the folder of its part, such as
    ``root/train``, then in ``root/images``, then in ``root``. Class ids follow the categories'.
    Crowds are left out, and boxes without an area inside of the image.

    Raises:
        DataError: another layout, too few images, a broken one (unless ``skip_broken``), a file
            that is not COCO's, or more than fits into memory.
    """
    files = Files(root, skip_broken=skip_broken)
    labels, parts, crowds = _deal(files, seed)
    reader = _Reader(files, image_hw, with_masks=with_masks)
    _refuse_too_much(root, parts, image_hw, with_masks=with_masks)
    train, validation, test = (reader.read(parts[split], split) for split in Split)
    return DetectionData(
        labels=labels,
        train=train,
        validation=validation,
        test=test,
        description=Data(
            task=f"COCO folder {root.resolve().name}"
            + _left_out(crowds=crowds, empty=reader.empty, broken=files.broken),
            seed=seed,
            train=len(train),
            validation=len(validation),
            test=len(test),
            sha256=files.sha256,
        ),
    )


def _deal(files: Files, seed: int) -> tuple[tuple[str, ...], Parts, int]:
    """The labels, the images of every part, and how many crowds were left out."""
    paths = _annotation_files(files.root)
    read = {split: parse(path, _content(files, path)) for split, path in paths.items()}
    labels = read[Split.TRAIN].labels
    refuse_unprintable(labels, paths[Split.TRAIN])
    for split, one in read.items():
        if one.labels != labels:
            raise DataError(
                f"{paths[split]} has other categories than {paths[Split.TRAIN]}; every part needs "
                "the same ones"
            )
    listed = {split: _located(files.root, paths[split], one) for split, one in read.items()}
    missing = set(Split) - set(listed)
    images = listed[Split.TRAIN]
    if len(images) <= len(missing):
        raise DataError(
            f"{paths[Split.TRAIN]} lists {len(images)} images, of at least {len(missing) + 1}, "
            "one for each part: add some"
        )
    dealt = draw(len(images), seed, missing)
    parts = listed | {split: [images[at] for at in chosen] for split, chosen in dealt.items()}
    _refuse_shared(files.root, parts)
    return labels, parts, sum(one.crowds for one in read.values())


def _annotation_files(root: Path) -> dict[Split, Path]:
    if not root.is_dir():
        raise DataError(f"{root} is no folder; the layout is {LAYOUT}")
    parts = find_parts(root, ".json")
    if Split.TRAIN in parts:
        return parts
    whole = root / "annotations.json"
    if parts or not whole.exists():
        raise DataError(
            f"{root} has neither train.json nor annotations.json; the layout is {LAYOUT}"
        )
    return {Split.TRAIN: whole}


def _content(files: Files, path: Path) -> bytes:
    try:
        return files.content(path)
    except UnreadableError as error:
        raise DataError(f"{path}: {error}") from error


def _located(root: Path, annotations: Path, read: CocoFile) -> list[tuple[Path, Entry]]:
    """Where each image lies; where none is, the first place, for the reader to complain."""
    folders = (root / annotations.stem, root / "images", root)

    def locate(name: str) -> Path:
        found = (path for path in (folder / name for folder in folders) if path.exists())
        return next(found, folders[1] / name)

    return [(locate(entry.file_name), entry) for entry in read.entries]


def _refuse_shared(root: Path, parts: Parts) -> None:
    """An image that is trained on must not be tested on."""
    owner: dict[str, Split] = {}
    for split, images in parts.items():
        for path, _ in images:
            if owner.setdefault(os.path.realpath(path), split) is not split:
                raise DataError(f"{path} is in two parts of {root}: list it in one")


def _refuse_too_much(
    root: Path, parts: Parts, image_hw: tuple[int, int], *, with_masks: bool
) -> None:
    pixels = image_hw[0] * image_hw[1]
    images = [entry for listed in parts.values() for _, entry in listed]
    things = sum(len(entry.annotations) for entry in images) if with_masks else 0
    refuse_too_much(root, len(images), 3 * pixels, more=things * pixels)


class _Reader:
    """Makes photographs of image files and what is said to be in them.

    Attributes:
        empty: how many boxes had no area and were left out.
    """

    def __init__(self, files: Files, image_hw: tuple[int, int], *, with_masks: bool) -> None:
        self.files = files
        height, width = image_hw
        self.input = InputSpec(name="image", height=height, width=width, fit=Fit.LETTERBOX)
        self.with_masks = with_masks
        self.empty = 0

    def read(self, listed: Sequence[tuple[Path, Entry]], split: Split) -> list[Photograph]:
        photographs = []
        for path, entry in tqdm(listed, "read images", unit="img", leave=False):
            picture = self.files.picture(path)
            if picture is not None:
                photographs.append(self._photograph(path, picture, entry))
        if not any(len(photograph.labels) for photograph in photographs):
            raise DataError(
                f"{self.files.root}: none of the {len(photographs)} images for "
                f"{split.name.lower()} holds a box; annotate more, or deal with another seed"
            )
        return photographs

    def _photograph(self, path: Path, picture: PIL.Image.Image, entry: Entry) -> Photograph:
        width, height = picture.size
        if entry.size not in (None, picture.size):
            raise DataError(
                f"{path} is {width}×{height} pixels when upright, and annotated as "
                f"{entry.size[0]}×{entry.size[1]}: its boxes would be elsewhere; annotate it again"
            )
        placed = place(picture.size, self.input)
        boxes = _boxes(entry.annotations, placed.geometry())
        kept = np.flatnonzero((boxes[:, :2] < boxes[:, 2:]).all(axis=1))
        self.empty += len(boxes) - len(kept)
        things = [entry.annotations[position] for position in kept]
        return Photograph(
            picture=fit(picture, self.input),
            boxes=boxes[kept],
            labels=np.array([thing.label for thing in things], np.int64),
            masks=self._masks(path, things, placed) if self.with_masks else None,
        )

    def _masks(
        self, path: Path, things: Sequence[Annotation], placed: Placement
    ) -> NDArray[np.bool_]:
        height, width = self.input.height, self.input.width
        masks = np.zeros((len(things), height, width), np.bool_)
        for mask, thing in zip(masks, things, strict=True):
            try:
                whole = outline(thing, *placed.image)
                mask[:] = letterboxed_mask(whole, placed, height, width)
            except DataError as error:
                raise DataError(f"{path}: {error}") from error
        return masks


def _boxes(annotations: Sequence[Annotation], geometry: Geometry) -> NDArray[np.float32]:
    """(N, 4): x_min, y_min, x_max, y_max in the letterbox, cut at the edges of the image."""
    given = np.array([annotation.box for annotation in annotations]).reshape(-1, 4)
    corners = np.stack([given[:, :2], given[:, :2] + given[:, 2:]], axis=1)  # (N, 2, 2)
    return geometry.apply(geometry.clip(corners)).reshape(-1, 4).astype(np.float32)


def _left_out(**counts: int) -> str:
    said = {"crowds": "crowds", "empty": "empty boxes", "broken": "broken images"}
    parts = [f"{count} {said[name]}" for name, count in counts.items() if count]
    return f" ({', '.join(parts)} left out)" if parts else ""
