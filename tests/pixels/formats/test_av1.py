"""What an AVIF's streams make a decoder draw counts, whatever its boxes say."""

import struct

import pytest
from PIL import Image

from pixels.errors import UnreadableError
from pixels.formats.av1 import drawn_bytes
from pixels.formats.avif import CANVAS
from pixels.formats.header import read_header
from tests.images import encode, quarters

STILL = encode(quarters(200, 120), "AVIF")
SEQUENCE = encode(quarters(200, 120), "AVIF", save_all=True, append_images=[quarters(200, 120)])


def unit(kind: int, payload: bytes) -> bytes:
    return bytes([kind << 3 | 2, len(payload)]) + payload


def packed(bits: str) -> bytes:
    digits = bits.replace(" ", "") + "0" * 64
    return int(digits[: len(digits) // 8 * 8], 2).to_bytes(len(digits) // 8, "big")


def drawn(file: bytes) -> int:
    """Bytes of all streams' planes, which count beside those of the canvas."""
    header = read_header(file)
    return header.working_bytes - CANVAS * header.pixels - len(file)


def test_a_picture_draws_its_planes() -> None:
    assert drawn(STILL) == 3 * 200 * 120


def test_of_a_sequence_only_the_first_picture_is_drawn() -> None:
    assert drawn(SEQUENCE) == 2 * 3 * 200 * 120  # the same stream is an item and a track's sample
    assert read_header(SEQUENCE).frames == 2


def test_a_transparent_picture_draws_one_plane_more() -> None:
    assert drawn(encode(Image.new("RGBA", (64, 64), (1, 2, 3, 4)), "AVIF")) == (3 + 1) * 64 * 64


def test_a_box_that_lies_does_not_make_the_picture_small() -> None:
    place = STILL.index(b"ispe") + 8
    lying = STILL[:place] + struct.pack(">II", 1, 1) + STILL[place + 8 :]
    assert (read_header(lying).width, read_header(lying).height) == (1, 1)
    assert drawn(lying) == 3 * 200 * 120


def test_frames_that_nobody_sees_count() -> None:
    header, frame = _units(STILL)
    assert drawn_bytes(unit(1, header) + unit(6, frame) * 50) == 50 * 3 * 200 * 120
    with pytest.raises(UnreadableError, match="units"):
        drawn_bytes(unit(1, header) + unit(6, frame) * 5000)


def test_a_frame_needs_a_sequence() -> None:
    with pytest.raises(UnreadableError, match="no sequence header"):
        drawn_bytes(unit(6, b"\0\0"))


def test_a_frame_of_its_own_size_is_refused() -> None:
    start = "000 0 0 0 0 00000 000000000000 00000"  # one operating point, no times
    sides = "0011 0011 1111 1111"  # 16 pixels each
    tools = "0 0000000 0 0 0 000 0 0"  # and 8 bits, three planes
    sequence = packed(f"{start} {sides} {tools}")
    plain = packed("0 00 1 0 0")  # a key frame to show; the last bit is for a size of its own
    own_size = packed("0 00 1 0 1")
    assert drawn_bytes(unit(1, sequence) + unit(6, plain)) == 3 * 256
    with pytest.raises(UnreadableError, match="several sizes"):
        drawn_bytes(unit(1, sequence) + unit(6, own_size))


def test_items_that_share_their_bytes_are_refused() -> None:
    image = encode(Image.new("RGBA", (64, 64), (1, 2, 3, 4)), "AVIF")
    place = image.index(b"iloc") + 12  # of the first item: id, index, count, offset, length
    whole = image[: place + 6] + struct.pack(">II", 0, len(image)) + image[place + 14 :]
    with pytest.raises(UnreadableError, match="overlap"):
        read_header(whole)


def _units(file: bytes) -> tuple[bytes, bytes]:
    """The payloads of a still picture's sequence header and frame."""
    data, position, found = file[file.index(b"mdat") + 4 :], 0, {}
    while len(found) < 2:
        kind, size, width = data[position] >> 3 & 15, data[position + 1], 2
        if size >= 128:
            size, width = (size & 127) | data[position + 2] << 7, 3
        found[kind] = data[position + width : position + width + size]
        position += width + size
        found.pop(2, None)  # a delimiter
    return found[1], found[6][:100]
