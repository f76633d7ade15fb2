"""A file of annotations as COCO defines it, checked.

Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; the format is at
https://cocodataset.org/#format-data.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import Any

from zoo.data.errors import DataError

LISTS = ("images", "annotations", "categories")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One thing in an image."""

    id: object  # as in the file, for messages
    box: tuple[float, float, float, float]  # left, upper, width, height in image pixels
    label: int  # position in the labels
    segmentation: Any  # polygons or run lengths, not yet looked at; None if there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One image and everything in it."""

    file_name: str
    size: tuple[int, int] | None  # width, height of the image that was annotated, if it is said
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoFile:
    """The content of a file; crowds are not in it."""

    labels: tuple[str, ...]  # names of the categories, in the order of their ids
    entries: tuple[Entry, ...]
    crowds: int  # annotations of crowds, which are left out


def parse(path: Path, content: bytes) -> CocoFile:
    """What ``content``, the bytes of ``path``, says.

    Raises:
        DataError: it is no such file, or refers to what is not in it.
    """
    try:
        lists = _lists(json.loads(content))
        categories = {one["id"]: str(one["name"]) for one in lists["categories"]}
        labels = _labels(categories, len(lists["categories"]))
        ids = {category: label for label, category in enumerate(sorted(categories))}
        held: dict[object, list[Annotation]] = {one["id"]: [] for one in lists["images"]}
        if len(held) < len(lists["images"]):
            raise ValueError("two images have one id")  # noqa: TRY301
        single = [one for one in lists["annotations"] if not one.get("iscrowd")]
        for one in single:
            _known(one, "image_id", held).append(_annotation(one, _known(one, "category_id", ids)))
        entries = tuple(_entry(one, held[one["id"]]) for one in lists["images"])
    except KeyError as error:
        raise DataError(f"{path} is no COCO file: an entry lacks {error}") from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise DataError(f"{path} is no COCO file: {error}") from error
    return CocoFile(labels=labels, entries=entries, crowds=len(lists["annotations"]) - len(single))


def _lists(document: Any) -> dict[str, list[dict[str, Any]]]:
    if not isinstance(document, dict):
        raise TypeError(f"it must hold an object with the lists {', '.join(LISTS)}")
    for name in LISTS:
        entries = document.get(name)
        if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            raise TypeError(f"{name} must be a list of objects")
    return document


def _labels(categories: dict[Any, str], count: int) -> tuple[str, ...]:
    labels = tuple(categories[category] for category in sorted(categories))
    if not labels:
        raise ValueError("categories is empty; name every class")
    if len(labels) < count or len(set(labels)) < count:
        raise ValueError("categories repeats an id or a name; each class needs its own")
    return labels


def _known(annotation: dict[str, Any], field: str, table: dict[Any, Any]) -> Any:
    """What ``table`` has for the id in ``field``."""
    value = annotation[field]
    if value not in table:
        raise ValueError(f"annotation {annotation.get('id')} has the unknown {field} {value}")
    return table[value]


def _annotation(one: dict[str, Any], label: int) -> Annotation:
    box = _numbers(one["bbox"])
    if box is None or len(box) != 4:
        raise ValueError(f"annotation {one.get('id')}: bbox must be x, y, width, height in pixels")
    return Annotation(
        id=one.get("id"),
        box=(box[0], box[1], box[2], box[3]),
        label=label,
        segmentation=one.get("segmentation"),
    )


def _numbers(values: Any) -> Sequence[float] | None:
    """The values as they are if all are finite numbers."""
    if not isinstance(values, list):
        return None
    fine = all(type(value) in (int, float) and isfinite(value) for value in values)
    return [float(value) for value in values] if fine else None


def _entry(one: dict[str, Any], annotations: Sequence[Annotation]) -> Entry:
    name = one["file_name"]
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts or "\0" in name:
        raise ValueError(f"the file name {name!r} must be relative, and inside the folder")
    sides = _numbers([one.get("width"), one.get("height")])
    size = None if sides is None else (int(sides[0]), int(sides[1]))
    return Entry(file_name=name, size=size, annotations=tuple(annotations))
