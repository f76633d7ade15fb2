"""A contact sheet of samples, so that a person can judge the task."""

from pathlib import Path

from PIL import Image, ImageDraw

from zoo.signs.dataset import LABELS, SIDE, Split, render
from zoo.signs.paint import font

ZOOM = 2
CAPTION = 20  # pixels above each row


def preview(path: Path, columns: int = 12, rows_per_class: int = 2, seed: int = 0) -> None:
    """Write a picture with ``rows_per_class`` rows of training samples of every class."""
    cell = SIDE * ZOOM
    row_height = CAPTION + rows_per_class * cell
    sheet = Image.new("RGB", (columns * cell, len(LABELS) * row_height), "white")
    draw = ImageDraw.Draw(sheet)
    for label, name in enumerate(LABELS):
        top = label * row_height
        draw.text((4, top + 2), f"{label} {name}", fill="black", font=font(14))
        for place in range(columns * rows_per_class):
            sample = render(Split.TRAIN, place * len(LABELS) + label, seed)
            row, column = divmod(place, columns)
            crop = Image.fromarray(sample.pixels()).resize((cell, cell), Image.Resampling.NEAREST)
            sheet.paste(crop, (column * cell, top + CAPTION + row * cell))
    sheet.save(path)
