"""GIF: kinds and faults as the public suites have them (GIF89a, appendix F for LZW)."""

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tests.odd_images.odd import Odd, samples, shown, spoilt

SIDE = 20
TRAILER = b";"


def lzw(codes: list[int], bits: int) -> bytes:
    """Pixels as codes of one width: the table is cleared before it would widen them."""
    clear, end = 1 << bits, (1 << bits) + 1
    stream = []
    for start in range(0, len(codes), clear - 2):
        stream += [clear, *codes[start : start + clear - 2]]
    return coded([*stream, end], bits)


def coded(stream: list[int], bits: int) -> bytes:
    """Codes as they are, bits + 1 wide, in blocks of up to 255 bytes."""
    value = sum(code << (bits + 1) * place for place, code in enumerate(stream))
    packed = value.to_bytes(-(-(bits + 1) * len(stream) // 8), "little")
    blocks = [packed[i : i + 255] for i in range(0, len(packed), 255)]
    return bytes([bits]) + b"".join(bytes([len(b)]) + b for b in blocks) + b"\0"


def screen(
    width: int = SIDE,
    height: int = SIDE,
    table: bytes = b"",
    back: int = 0,
    version: bytes = b"GIF89a",
) -> bytes:
    flags = 0x80 | (len(table) // 3).bit_length() - 2 if table else 0
    return version + struct.pack("<HHBBB", width, height, flags, back, 0) + table


def frame(
    codes: bytes,
    left: int = 0,
    top: int = 0,
    width: int = SIDE,
    height: int = SIDE,
    *,
    table: bytes = b"",
    interlaced: bool = False,
) -> bytes:
    flags = 0x80 | (len(table) // 3).bit_length() - 2 if table else 0
    return (
        b","
        + struct.pack("<4HB", left, top, width, height, flags | interlaced << 6)
        + table
        + codes
    )


def control(transparent: int | None = None, disposal: int = 0) -> bytes:
    flags = disposal << 2 | (transparent is not None)
    return b"!\xf9\4" + struct.pack("<BHB", flags, 10, transparent or 0) + b"\0"


def palette(bits: int) -> NDArray[np.uint8]:
    return samples(1 << bits, 3, seed=11).astype(np.uint8)


def good() -> Iterator[Odd]:
    for bits in range(1, 9):
        values = samples(SIDE, SIDE, depth=bits)
        table = palette(bits)
        data = lzw(values.ravel().tolist(), max(bits, 2))
        right = table[values]
        head = screen(table=table.tobytes())
        yield shown(f"gif/{bits}-bit", head + frame(data) + TRAILER, right)
        own = screen() + frame(data, table=table.tobytes()) + TRAILER
        yield shown(f"gif/{bits}-bit-local", own, right)
        old = screen(table=table.tobytes(), version=b"GIF87a") + frame(data) + TRAILER
        yield shown(f"gif/{bits}-bit-87a", old, right)
        order = [
            y for begin, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(begin, SIDE, step)
        ]
        turned = lzw(values[order].ravel().tolist(), max(bits, 2))
        yield shown(
            f"gif/{bits}-bit-interlaced", head + frame(turned, interlaced=True) + TRAILER, right
        )
        key = int(values[3, 3])
        clear = np.where((values == key)[..., None], 255, right).astype(np.uint8)
        yield shown(f"gif/{bits}-bit-clear", head + control(key) + frame(data) + TRAILER, clear)
        yield Odd(f"gif/{bits}-bit-no-end", head + frame(data), right)
        yield Odd(f"gif/{bits}-bit-junk", head + frame(data) + TRAILER + b"junk" * 99, right)


def odd() -> Iterator[Odd]:
    table = palette(3).tobytes()
    pixels = [1] * SIDE * SIDE
    head, picture = screen(table=table), frame(lzw(pixels, 3))
    small = frame(lzw([1] * 4, 3), 5, 5, 2, 2)
    cases = {
        "no-frames": head + TRAILER,
        "screen-alone": head,
        "controls-alone": head + control(1) * 50 + TRAILER,
        "two-frames": head + picture + control(1, 2) + small + TRAILER,
        "many-frames": head + small * 2000 + TRAILER,
        "too-many-frames": head + small * 12_000 + TRAILER,
        "small-first-frame": head + small + TRAILER,
        "outside": head + frame(lzw(pixels, 3), 60_000, 60_000) + TRAILER,
        "outside-a-little": head + frame(lzw(pixels, 3), 10, 10) + TRAILER,
        "empty-frame": head + frame(lzw([], 3), 0, 0, 0, 0) + TRAILER,
        "empty-screen": screen(0, 0, table) + picture + TRAILER,
        "huge-screen": screen(65_535, 65_535, table) + small + TRAILER,
        "wide-screen": screen(16_384, 3_000, table) + small + TRAILER,
        "huge-frame": head + frame(lzw(pixels, 3), 0, 0, 65_535, 65_535) + TRAILER,
        "no-palette": screen() + picture + TRAILER,
        "background-outside": screen(table=table, back=200) + small + TRAILER,
        "transparent-outside": head + control(250) + picture + TRAILER,
        "comment": head + b"!\xfe\5hello\0" + picture + TRAILER,
        "netscape": head + b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0" + picture + TRAILER,
        "plain-text": head + b"!\1\x0c" + bytes(12) + b"\2hi\0" + picture + TRAILER,
        "short-control": head + b"!\xf9\1\0\0" + picture + TRAILER,
        "no-blocks": head + frame(b"\3\0") + TRAILER,
        "few-pixels": head + frame(lzw(pixels[:100], 3)) + TRAILER,
        "many-pixels": head + frame(lzw(pixels * 3, 3)) + TRAILER,
        "end-at-once": head + frame(coded([9], 3)) + TRAILER,
        "no-clear": head + frame(coded([1] * 400, 3)) + TRAILER,
        "unknown-code": head + frame(coded([8, 15, 15, 15], 3)) + TRAILER,
        "clears": head + frame(coded([8] * 50_000, 3)) + TRAILER,
        "junk-before": head + bytes(500) + picture + TRAILER,
        "version-90": b"GIF90a" + head[6:] + picture + TRAILER,
    }
    yield from (Odd(f"gif/{name}", data) for name, data in cases.items())
    for size in (0, 1, 9, 12, 13, 255):
        yield Odd(
            f"gif/code-size-{size}", head + frame(spoilt(lzw(pixels, 3), 0, "B", size)) + TRAILER
        )


def files() -> Iterator[Odd]:
    yield from good()
    yield from odd()
