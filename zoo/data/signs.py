"""The rendered road signs, in the form of any other data."""

from zoo.data.description import Data
from zoo.data.samples import ClassificationData, DetectionData
from zoo.signs import dataset, scenes
from zoo.signs.dataset import Split

CROPS = Data(task="rendered road-sign crops", seed=0, train=12_000, validation=2_000, test=3_000)
SCENES = Data(task="rendered road-sign scenes", seed=0, train=5_000, validation=300, test=1_000)


def draw_crops(data: Data = CROPS) -> ClassificationData:
    """Crops of ``dataset.SIDE`` pixels, as many and of the seed that ``data`` says."""
    return ClassificationData(
        labels=dataset.LABELS,
        train=dataset.load(Split.TRAIN, data.train, data.seed),
        validation=dataset.load(Split.VALIDATION, data.validation, data.seed),
        test=dataset.load(Split.TEST, data.test, data.seed),
        description=data,
    )


def draw_scenes(
    data: Data = SCENES, *, side: int = scenes.SIDE, with_masks: bool = False
) -> DetectionData:
    """Scenes of ``side`` pixels, as many and of the seed that ``data`` says."""

    def part(split: Split, count: int) -> list[scenes.Scene]:
        return scenes.load(split, count, data.seed, side=side, with_masks=with_masks)

    return DetectionData(
        labels=scenes.LABELS,
        train=part(Split.TRAIN, data.train),
        validation=part(Split.VALIDATION, data.validation),
        test=part(Split.TEST, data.test),
        description=data,
    )
