"""One file of the corpus, and what a right answer to it would be."""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Odd:
    """A file; an answer with other pixels than ``pixels`` is wrong, where they are known."""

    name: str  # format, then what is odd about it
    data: bytes
    pixels: NDArray[np.uint8] | None = None  # (H, W, 3): upright, on white
    near: int = 0  # levels by which a right answer may be off
    refused: bool | None = None  # True: must be; False: must not; None: either is right


def shown(name: str, data: bytes, pixels: NDArray[np.uint8], near: int = 0) -> Odd:
    """A file that is odd, and valid: it must be read, and read right."""
    return Odd(name, data, pixels, near, refused=False)


def samples(*shape: int, depth: int = 8, seed: int = 0) -> NDArray[np.int64]:
    """Numbers of ``depth`` bits by chance, the same each time."""
    return np.random.default_rng([seed, depth, *shape]).integers(0, 1 << depth, shape)


def packed(rows: NDArray[np.int64], depth: int, order: str = ">") -> NDArray[np.uint8]:
    """(H, N) numbers to (H, bytes): the first one in the highest bits, each row filled up."""
    if depth >= 8:
        return rows.astype(f"{order}u{depth // 8}").view(np.uint8).reshape(len(rows), -1)
    bits = rows[..., None] >> np.arange(depth)[::-1] & 1
    return np.packbits(bits.reshape(len(rows), -1).astype(np.uint8), axis=1)


def grey(levels: NDArray[np.int64], depth: int) -> NDArray[np.uint8]:
    """(H, W) numbers of ``depth`` bits to (H, W, 3): stretched, or their upper eight bits."""
    eight = levels >> depth - 8 if depth >= 8 else levels * 255 // ((1 << depth) - 1)
    return np.repeat(eight[..., None], 3, axis=2).astype(np.uint8)


def on_white(colours: NDArray[np.uint8], alpha: NDArray[np.int64]) -> NDArray[np.uint8]:
    """(H, W, 3) colours seen through (H, W) alpha of 0 to 255."""
    cover = alpha[..., None] / 255
    return np.rint(colours * cover + 255 * (1 - cover)).astype(np.uint8)


def spoilt(data: bytes, offset: int, code: str, *values: int) -> bytes:
    """``data`` with numbers of a struct code in the place of what was there."""
    new = struct.pack(code, *values)
    return data[:offset] + new + data[offset + len(new) :]
