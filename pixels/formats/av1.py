"""AV1 (bitstream specification, 5.3 to 5.9): how much a stream makes a decoder draw.

A container may claim any size: what the decoder allocates and draws is what the stream says, and a
stream may hold any number of frames that nobody ever sees.
"""

import struct
from dataclasses import dataclass

from pixels.errors import UnreadableError

SEQUENCE_HEADER, FRAME_HEADER, FRAME = 1, 3, 6
SEQUENCE_BYTES = 512  # that may matter; thirty-two operating points fit in
KEY_FRAME, SWITCH_FRAME = 0, 3
AS_THE_FRAME_SAYS = 2
MOST_UNITS = 256  # of one picture: a header, a frame and its tiles


class _Bits:
    """An unsigned number of any length after the other."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int = 1) -> int:
        """The next ``count`` bits; struct.error where there are no more."""
        self._left -= count
        if self._left < 0:
            raise struct.error("the stream is cut short")
        return self._value >> self._left & (1 << count) - 1

    def skip_uvlc(self) -> None:
        """Pass a number that begins with as many zeros as digits follow its first one."""
        zeros = 0
        while not self.take():
            zeros += 1
        self.take(min(zeros, 32))


@dataclass(slots=True)
class _Sequence:
    """What a frame's header must know of the sequence's."""

    frame_bytes: int = 0  # of the largest frame, its planes at full size
    reduced: bool = False
    screen_content_tools: int = AS_THE_FRAME_SAYS
    integer_vectors: int = AS_THE_FRAME_SAYS
    frame_id_bits: int = 0
    time_bits: int = 0  # of a shown frame's presentation time


def drawn_bytes(stream: bytes | memoryview) -> int:
    """Memory of all frames of one picture's stream together.

    Raises:
        UnreadableError: there are too many units, or a frame chooses its own size.
        struct.error, IndexError: the stream is cut short.
    """
    sequence: _Sequence | None = None
    drawn, position = 0, 0
    for _ in range(MOST_UNITS):
        if position >= len(stream):
            return drawn
        head = stream[position]
        position += 2 if head & 4 else 1
        length = len(stream) - position
        if head & 2:
            length, position = _leb128(stream, position)
        kind, bits = head >> 3 & 15, bytes(stream[position : position + SEQUENCE_BYTES])
        if kind == SEQUENCE_HEADER:
            sequence = _sequence(_Bits(bits))
        elif kind in (FRAME_HEADER, FRAME):
            if sequence is None:
                raise UnreadableError("the AV1 stream begins with no sequence header")
            drawn += _frame_bytes(_Bits(bits), sequence)
        position += length
    raise UnreadableError(f"the AV1 stream has more than {MOST_UNITS} units")


def _leb128(stream: bytes | memoryview, position: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where it ends."""
    value = 0
    for index in range(8):
        byte = stream[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise UnreadableError("the AV1 stream has a length without end")


def _sequence(bits: _Bits) -> _Sequence:
    """Section 5.5.1, sequence_header_obu()."""
    sequence = _Sequence()
    profile = bits.take(3)
    bits.take()  # whether it is a still picture
    sequence.reduced = bool(bits.take())
    if sequence.reduced:
        bits.take(5)
    else:
        _operating_points(bits, sequence)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    pixels = (bits.take(width_bits) + 1) * (bits.take(height_bits) + 1)
    if sequence.reduced:
        bits.take(3)  # tools
    else:
        _tools(bits, sequence)
    bits.take(3)
    deep = bits.take()  # color_config()
    if profile == 2 and deep:
        bits.take()
    planes = 1 if profile != 1 and bits.take() else 3
    sequence.frame_bytes = pixels * planes * (2 if deep else 1)
    return sequence


def _tools(bits: _Bits, sequence: _Sequence) -> None:
    if bits.take():  # frames have numbers
        sequence.frame_id_bits = bits.take(4) + 2 + bits.take(3) + 1
    bits.take(7)
    ordered = bits.take()
    if ordered:
        bits.take(2)
    if not bits.take():
        sequence.screen_content_tools = bits.take()
    if sequence.screen_content_tools and not bits.take():
        sequence.integer_vectors = bits.take()
    if ordered:
        bits.take(3)


def _operating_points(bits: _Bits, sequence: _Sequence) -> None:
    delay_bits = 0
    equal_intervals = False
    if bits.take():  # timing_info()
        bits.take(64)
        if equal_intervals := bool(bits.take()):
            bits.skip_uvlc()
        if bits.take():  # decoder_model_info()
            delay_bits = bits.take(5) + 1
            bits.take(37)
            sequence.time_bits = 0 if equal_intervals else bits.take(5) + 1
    initial_delays = bits.take()
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take()
        if delay_bits and bits.take():
            bits.take(2 * delay_bits + 1)
        if initial_delays and bits.take():
            bits.take(4)


def _frame_bytes(bits: _Bits, sequence: _Sequence) -> int:
    """Section 5.9.2, uncompressed_header(), up to the flag for a size of its own."""
    if sequence.reduced:
        return sequence.frame_bytes
    if bits.take():  # shows a frame that was drawn before
        return 0
    kind, shown = bits.take(2), bits.take()
    if shown:
        bits.take(sequence.time_bits)
    else:
        bits.take()
    if kind != SWITCH_FRAME and not (kind == KEY_FRAME and shown):
        bits.take()
    bits.take()
    tools = sequence.screen_content_tools
    if tools == AS_THE_FRAME_SAYS:
        tools = bits.take()
    if tools and sequence.integer_vectors == AS_THE_FRAME_SAYS:
        bits.take()
    bits.take(sequence.frame_id_bits)
    if kind == SWITCH_FRAME or bits.take():
        raise UnreadableError("the AV1 stream has frames of several sizes")
    return sequence.frame_bytes
