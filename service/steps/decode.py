"""Upload to Image: the limits are the settings', and what is wrong with a file is the caller's."""

from typing import Any

from pixels import decode as decoder
from pixels.errors import TooLargeError, UnreadableError
from pixels.formats.claim import Header
from pixels.limits import Limits
from service.errors import GatewayError, ImageTooLarge, UnreadableImage
from service.settings import Settings
from service.values import Image, Upload


def inspect(upload: Upload, settings: Settings) -> Header:
    """What the file's header claims, held against the limits; no decoder has seen the file.

    Raises:
        ImageTooLarge: it claims more pixels, a longer side or more memory than there may be.
        UnreadableImage: no image of a format that is read, broken, or made to be costly.
    """
    try:
        return decoder.inspect(upload.data, _limits(settings))
    except (TooLargeError, UnreadableError) as error:
        raise _problem(error) from error.__cause__


def decode(upload: Upload, settings: Settings, header: Header | None = None) -> Image:
    """The first image of a file; ``header`` is what ``inspect`` gave, if it was asked before.

    Raises:
        ImageTooLarge, UnreadableImage: as ``inspect``; or the pixels are broken or cut short.
    """
    header = header or inspect(upload, settings)
    try:
        return Image(decoder.decode(upload.data, _limits(settings), header), header.frames)
    except (TooLargeError, UnreadableError) as error:
        raise _problem(error) from error.__cause__  # which the log repeats


def _limits(settings: Settings) -> Limits:
    return Limits(settings.max_pixels, settings.max_side, settings.max_decode_bytes)


def _problem(error: TooLargeError | UnreadableError) -> GatewayError:
    if isinstance(error, UnreadableError):
        return UnreadableImage(str(error), remedy=error.remedy)
    limits: dict[str, Any] = error.limits
    return ImageTooLarge(str(error), **limits)
