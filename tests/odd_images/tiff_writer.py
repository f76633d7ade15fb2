"""A TIFF of any tags, by hand (TIFF 6.0, BigTIFF)."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from tests.odd_images.odd import packed

Tags = dict[int, list[int]]
NONE, LZW, DEFLATE, PACKBITS = 1, 5, 8, 32773


def file(
    tags: Tags,
    blocks: list[bytes],
    order: str = "<",
    *,
    big: bool = False,
    tiled: bool = False,
    after: int = 0,
) -> bytes:
    """One directory behind its strips or tiles; a tag is of SHORTs, or of LONGs where these do."""
    head, inline, wide = (16, 8, "Q") if big else (8, 4, "I")
    offsets, position = [], head
    for block in blocks:
        offsets.append(position)
        position += len(block)
    tags = {
        (324 if tiled else 273): offsets,
        (325 if tiled else 279): list(map(len, blocks)),
        **tags,
    }
    count = struct.pack(order + ("Q" if big else "H"), len(tags))
    values_at = position + len(count) + (4 + 2 * inline) * len(tags) + inline
    entries, values = b"", b""
    for tag, numbers in sorted(tags.items()):
        code, kind = ("I", 4) if max(numbers, default=0) > 0xFFFF else ("H", 3)
        data = struct.pack(f"{order}{len(numbers)}{code}", *numbers)
        entries += struct.pack(f"{order}HH{wide}", tag, kind, len(numbers))
        if len(data) > inline:
            entries += struct.pack(order + wide, values_at + len(values))
            values += data
        else:
            entries += data.ljust(inline, b"\0")
    mark = b"II" if order == "<" else b"MM"
    start = (
        struct.pack(f"{order}HHHQ", 43, 8, 0, position)
        if big
        else struct.pack(f"{order}HI", 42, position)
    )
    end = struct.pack(order + wide, after)
    return mark + start + b"".join(blocks) + count + entries + end + values


def compressed(data: bytes, how: int) -> bytes:
    if how == DEFLATE:
        return zlib.compress(data)
    if how == PACKBITS:  # nothing but literals
        return b"".join(
            bytes([len(data[i : i + 128]) - 1]) + data[i : i + 128]
            for i in range(0, len(data), 128)
        )
    if how == LZW:  # nine bits each, cleared before it would take ten
        codes = [code for i in range(0, len(data), 200) for code in (256, *data[i : i + 200])]
        bits = "".join(f"{code:09b}" for code in [*codes, 257])
        return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    return data


def strips(values: NDArray[np.int64], depth: int, order: str, how: int, rows: int) -> list[bytes]:
    """(H, W, C) samples side by side, ``rows`` to a strip."""
    lines = packed(values.reshape(len(values), -1), depth, order)
    return [
        compressed(lines[top : top + rows].tobytes(), how) for top in range(0, len(values), rows)
    ]
