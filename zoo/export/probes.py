"""Images to compare a file with eager PyTorch on, the same at every call."""

import torch
from torch import Tensor

Size = int | tuple[int, int]  # pixels of a square image, or height and width
BLOCKS = (64, 32, 16, 8)  # pixels


def probe(batch: int, image_size: Size) -> Tensor:
    """Noise, (B, H, W, 3) uint8; the eighth image is black."""
    generator = torch.Generator().manual_seed(batch)
    shape = (batch, *height_and_width(image_size), 3)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    images[7:] = 0
    return images


def pictures(batch: int, image_size: Size) -> Tensor:
    """Blocks of colour on each other, large ones and small ones, (B, H, W, 3) uint8.

    A trained detector finds nothing in noise, and equal scores in an image without content.
    """
    generator = torch.Generator().manual_seed(batch)
    height, width = height_and_width(image_size)
    images = torch.full((batch, height, width, 3), 114, dtype=torch.uint8)
    for side in BLOCKS:
        grid = (batch, -(-height // side), -(-width // side))
        colours = torch.randint(0, 256, (*grid, 3), generator=generator, dtype=torch.uint8)
        painted = torch.rand((*grid, 1), generator=generator) < 0.4
        images = torch.where(
            _enlarged(painted, side)[:, :height, :width],
            _enlarged(colours, side)[:, :height, :width],
            images,
        )
    return images


def height_and_width(image_size: Size) -> tuple[int, int]:
    """Both sides of an image of ``image_size``."""
    return (image_size, image_size) if isinstance(image_size, int) else image_size


def _enlarged(grid: Tensor, side: int) -> Tensor:
    """Every cell of ``grid`` (B, h, w, C) as a block of ``side`` × ``side`` pixels."""
    return grid.repeat_interleave(side, dim=1).repeat_interleave(side, dim=2)
