"""What networks are trained, selected and tested on: the rendered signs, or a user's folder."""

from dataclasses import replace
from pathlib import Path

from zoo.data.coco_folder import open_coco_folder
from zoo.data.errors import DataError
from zoo.data.image_folder import open_image_folder
from zoo.data.samples import ClassificationData, DetectionData, LabelledScene, Photograph
from zoo.data.signs import CROPS, SCENES, draw_crops, draw_scenes
from zoo.signs import dataset

__all__ = [
    "SIGNS",
    "ClassificationData",
    "DataError",
    "DetectionData",
    "LabelledScene",
    "Photograph",
    "open_classification",
    "open_detection",
]

SIGNS = "signs"  # the rendered ones; a folder of that name is ./signs


def open_classification(
    spec: str, image_size: int, *, seed: int = 0, skip_broken: bool = False
) -> ClassificationData:
    """The rendered signs, or the image folder at ``spec``.

    Args:
        spec: SIGNS or a folder.
        image_size: pixels, height and width.
        seed: of the drawing, or of how images are dealt out.
        skip_broken: leave images out that cannot be read.

    Raises:
        DataError: see ``open_image_folder``; signs are of one size.
    """
    if spec != SIGNS:
        return open_image_folder(Path(spec), image_size, seed=seed, skip_broken=skip_broken)
    if image_size != dataset.SIDE:
        raise DataError(f"signs are {dataset.SIDE} pixels wide; choose that image size")
    return draw_crops(replace(CROPS, seed=seed))


def open_detection(
    spec: str,
    image_hw: tuple[int, int],
    *,
    seed: int = 0,
    with_masks: bool = False,
    skip_broken: bool = False,
) -> DetectionData:
    """The rendered scenes, or the COCO folder at ``spec``.

    Args:
        spec: SIGNS or a folder.
        image_hw: pixels, height and width.
        seed: of the drawing, or of how images are dealt out.
        with_masks: for detectors that learn them.
        skip_broken: leave images out that cannot be read.

    Raises:
        DataError: see ``open_coco_folder``; scenes are square.
    """
    if spec != SIGNS:
        return open_coco_folder(
            Path(spec), image_hw, seed=seed, with_masks=with_masks, skip_broken=skip_broken
        )
    height, width = image_hw
    if height != width:
        raise DataError(f"scenes of signs are square, not {height}×{width}")
    return draw_scenes(replace(SCENES, seed=seed), side=height, with_masks=with_masks)
