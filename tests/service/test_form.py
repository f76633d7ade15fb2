"""Of a form, the parts named `file` or as TorchServe's are images: one alone, or a batch."""

import time

import pytest

from service.errors import MalformedUpload, TooManyImages
from service.steps.form import files
from service.values import Upload, Uploads

KIND = "multipart/form-data; boundary=frontier"


def part(name: str, data: bytes, file: str | None = None) -> bytes:
    named = f'; filename="{file}"' if file is not None else ""
    head = f'--frontier\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--frontier--\r\n"


def test_one_file_is_one_image() -> None:
    data = bytes(range(256)) * 100
    assert files(form(part("file", data, "a.jpg"), part("note", b"x")), KIND, 9) == Upload(
        data, "a.jpg"
    )


def test_several_files_are_a_batch_in_their_order() -> None:
    read = files(form(*(part("file", b"%d" % i, f"{i}.png") for i in range(3))), KIND, 3)
    assert read == Uploads(tuple(Upload(b"%d" % i, f"{i}.png") for i in range(3)))


@pytest.mark.parametrize(
    ("parts", "images"),
    [
        ([part("data", b"1"), part("body", b"2"), part("note", b"3", "a")], [b"1", b"2"]),
        ([part("data", b"1"), part("file", b"2")], [b"2"]),
        ([part("note", b"1"), part("photo", b"2", "a.jpg")], [b"2"]),
    ],
    ids=["TorchServe's names", "file wins", "a lone file"],
)
def test_where_no_part_is_named_file_others_are_images(
    parts: list[bytes], images: list[bytes]
) -> None:
    read = files(form(*parts), KIND, 9)
    items = read.items if isinstance(read, Uploads) else (read,)
    assert [item.data for item in items if isinstance(item, Upload)] == images


@pytest.mark.parametrize(
    ("sent", "kept"), [("straße.jpg", "straße.jpg"), ("x" * 1000, "x" * 255), ("", ""), (None, "")]
)
def test_a_name_is_kept_as_far_as_it_is_short(sent: str | None, kept: str) -> None:
    upload = files(form(part("file", b"x", sent)), KIND, 1)
    assert isinstance(upload, Upload)
    assert upload.name == kept


def test_data_that_looks_like_a_boundary_is_data() -> None:
    data = b"\r\n--frontie\r\n--front\r\n-- \r\n\r\n"
    assert files(form(part("file", data)), KIND, 1) == Upload(data)


@pytest.mark.parametrize(
    ("data", "kind", "field"),
    [
        (form(part("file", b"x")), "multipart/form-data", "content-type"),
        (form(part("image", b"x")), KIND, "file"),
        (form(part("left", b"x", "a"), part("right", b"y", "b")), KIND, "file"),
        (form(), KIND, "file"),
        (form(part("file", b"x"))[:-20], KIND, None),
        (form(part("file", b"x"), part("file", b"y"))[:-20], KIND, None),
        (b"nonsense", KIND, None),
        (b"", KIND, None),
    ],
)
def test_a_form_without_a_file_is_refused(data: bytes, kind: str, field: str | None) -> None:
    with pytest.raises(MalformedUpload) as caught:
        files(data, kind, 9)
    assert caught.value.members.get("field") == field
    assert "curl -F file=@" in caught.value.members["remedy"]


def test_too_many_files_are_refused() -> None:
    with pytest.raises(TooManyImages) as caught:
        files(form(*[part("file", b"x")] * 4), KIND, 3)
    assert caught.value.members["max_images"] == 3


@pytest.mark.parametrize(
    "data",
    [
        b"--x\r\n\r\n\r\n" * 1_000_000,
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + b"\r\n--xy" * 1_000_000,
    ],
    ids=["countless parts", "countless lookalikes"],
)
def test_what_would_take_long_to_parse_is_refused_at_once(data: bytes) -> None:
    start = time.process_time()
    with pytest.raises(MalformedUpload, match="more than 41 parts"):
        files(data, "multipart/form-data; boundary=x", 9)
    assert time.process_time() - start < 0.2
