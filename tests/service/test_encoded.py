"""JSON holds images in base64 or data: URLs; what is wrong is named with its place."""

import base64
import json
import time

import pytest

from service.errors import MalformedUpload, TooManyImages
from service.steps.encoded import SLICE, images
from service.values import Upload, Uploads

DATA = bytes(range(256))
TEXT = base64.b64encode(DATA).decode()


def body(**members: object) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    "text", [TEXT, f"data:image/png;base64,{TEXT}", f"data:;charset=x;base64,{TEXT}"]
)
def test_an_image_is_base64_or_a_data_url(text: str) -> None:
    assert images(body(image=text), 1) == Upload(DATA)


def test_a_list_is_a_batch_even_of_one() -> None:
    assert images(body(images=[TEXT]), 1) == Uploads((Upload(DATA),))
    assert images(body(images=[TEXT, "AA=="]), 2) == Uploads((Upload(DATA), Upload(b"\0")))


@pytest.mark.parametrize(
    "size", [SLICE // 4 * 3 - 1, SLICE // 4 * 3, SLICE // 4 * 3 + 1, 2_000_000]
)
def test_a_large_image_is_decoded_in_slices(size: int) -> None:
    data = (DATA * (size // 256 + 1))[:size]
    assert images(body(image=base64.b64encode(data).decode()), 1) == Upload(data)


@pytest.mark.parametrize(
    "text",
    ["A", "AA", "AAA", "AA=A", "AA==AAAA", "A A A A ", "AA\n==", "-_-_", "äöü=", "=", "====",
     "data:,AAAA", "data:image/png;base64"],
)  # fmt: skip
def test_what_is_no_base64_is_named(text: str) -> None:
    with pytest.raises(MalformedUpload) as caught:
        images(body(image=text), 1)
    assert caught.value.members["field"] == "image"
    assert "base64 -w0" in caught.value.members["remedy"]


def test_padding_between_slices_is_no_base64() -> None:
    text = "A" * (SLICE - 4) + "AA==" + "AAAA"
    with pytest.raises(MalformedUpload, match="padding"):
        images(body(image=text), 1)


def test_in_a_list_it_is_an_error_in_its_place() -> None:
    read = images(body(images=[TEXT, "?", TEXT]), 3)
    assert isinstance(read, Uploads)
    first, second, third = read.items
    assert first == third == Upload(DATA)
    assert isinstance(second, MalformedUpload)
    assert second.members["field"] == "images[1]"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b'"AAAA"', None),
        (b"\xff", None),
        (b"{}", "image"),
        (body(image=TEXT, images=[TEXT]), "image"),
        (body(image=None), "image"),
        (body(image=5), "image"),
        (body(images=TEXT), "images"),
        (body(images=[]), "images"),
        (body(images=[TEXT, None]), "images[1]"),
        (body(image=TEXT, model="x"), "model"),
    ],
)
def test_json_of_another_form_is_refused(data: bytes, field: str | None) -> None:
    with pytest.raises(MalformedUpload) as caught:
        images(data, 9)
    assert caught.value.members.get("field") == field
    assert caught.value.members["remedy"]


@pytest.mark.parametrize("count", [4, 5000])
def test_too_many_images_are_refused(count: int) -> None:
    with pytest.raises(TooManyImages) as caught:
        images(body(images=["AAAA"] * count), 3)
    assert caught.value.members["max_images"] == 3


@pytest.mark.parametrize("piece", [b"[],", b"{},", b"0,", b'"",', b"["])
def test_json_of_countless_values_is_refused_at_once(piece: bytes) -> None:
    start = time.process_time()
    with pytest.raises((MalformedUpload, TooManyImages)):
        images(b'{"images": [' + piece * 3_000_000 + b'""]}', 9)
    assert time.process_time() - start < 0.2
