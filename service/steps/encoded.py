"""A JSON body to what it uploads: images in base64 (RFC 4648) or data: URLs (RFC 2397)."""

import binascii
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.errors import MalformedUpload, TooManyImages
from service.values import Upload, Uploads

LONGEST_PREFIX = 200  # characters of a data: URL in front of its comma
SLICE = 1 << 20  # characters decoded without letting other threads run
REMEDY = "use base64 with padding and without line breaks, as `base64 -w0 photo.jpg` writes it"


class EncodedImages(BaseModel):
    """The body: one image, or a list of them, which is answered with a list."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    image: str | None = Field(None, description="base64, or a data: URL with it")
    images: list[str] | None = Field(None, description="likewise, each")


def images(data: bytes, max_images: int) -> Upload | Uploads:
    """One that is no base64 is an error in its place where it is one of several.

    Raises:
        MalformedUpload: not JSON of that form, neither or both of `image` and `images`, or the one
            image is no base64.
        TooManyImages: more of them than ``max_images``.
    """
    _check_shape(data, max_images)
    try:
        body = EncodedImages.model_validate_json(data)
    except ValidationError as error:
        raise _explained(error.errors(include_input=False, include_url=False)[0]) from error
    if (body.image is None) == (body.images is None):
        raise MalformedUpload(
            "the JSON has both or neither of 'image' and 'images'",
            field="image",
            remedy='send {"image": "<base64>"} or {"images": ["<base64>", …]}',
        )
    if body.image is not None:
        return Upload(_decoded(body.image, "image"))
    texts = body.images or []
    if not texts:
        raise MalformedUpload("the list is empty", field="images", remedy="send an image at least")
    if len(texts) > max_images:
        raise TooManyImages(f"{len(texts)} images", field="images", max_images=max_images)
    return Uploads(tuple(_item(text, f"images[{i}]") for i, text in enumerate(texts)))


def _check_shape(data: bytes, max_images: int) -> None:
    """Refuse what would become millions of values: base64 has no brackets and no commas."""
    if data.count(b"[") > 1 or data.count(b"{") > 1:
        raise MalformedUpload(
            "the JSON is nested deeper than an object with a list of strings", remedy=REMEDY
        )
    if data.count(b",") > 2 * max_images + 2:  # between images, and one in each data: URL
        raise TooManyImages(
            f"the JSON has more than {max_images} images", field="images", max_images=max_images
        )


def _explained(item: Any) -> MalformedUpload:
    """The first thing that is wrong, with its place: images[2]."""
    place = "".join(f"[{part}]" if isinstance(part, int) else str(part) for part in item["loc"])
    return MalformedUpload(f"{place or 'the body'}: {item['msg']}", field=place, remedy=REMEDY)


def _item(text: str, field: str) -> Upload | Exception:
    try:
        return Upload(_decoded(text, field))
    except MalformedUpload as error:
        return error


def _decoded(text: str, field: str) -> bytes:
    begin = _payload(text, field)
    size = len(text) - begin
    if text.find("=", begin, len(text) - 2) >= 0:
        raise MalformedUpload(f"{field}: padding before its end", field=field, remedy=REMEDY)
    try:
        return b"".join(
            binascii.a2b_base64(text[start : start + SLICE], strict_mode=True)
            for start in range(begin, begin + size, SLICE)
        )
    except ValueError as error:
        raise MalformedUpload(
            f"{field} is no base64: {error}", field=field, remedy=REMEDY
        ) from error


def _payload(text: str, field: str) -> int:
    """Where the base64 begins: behind the comma of a data: URL."""
    if not text.startswith("data:"):
        return 0
    comma = text.find(",", 0, LONGEST_PREFIX)
    if comma < 0 or not text.endswith(";base64", 0, comma):
        raise MalformedUpload(f"{field}: a data: URL must be of base64", field=field, remedy=REMEDY)
    return comma + 1
