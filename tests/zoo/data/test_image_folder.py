"""Image folders: both layouts, every odd file, and a message for every mistake."""

import os
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.recipe import Fit, InputSpec
from pixels.decode import decode
from pixels.fit import prepare
from pixels.limits import Limits
from tests.images import claims_to_be_huge, encode, jpeg, quarters
from tests.zoo.data import folders
from tests.zoo.data.folders import photo, sizes, write_classes
from zoo.data import DataError, files, open_classification
from zoo.data.samples import ClassificationData

SIDE = 16


def read(root: Path, **options) -> ClassificationData:
    return open_classification(str(root), SIDE, **options)


refused = partial(folders.refused, read)


def test_a_folder_of_classes_is_dealt_out(tmp_path: Path) -> None:
    write_classes(tmp_path / "colours", ["red", "blue"], 20)
    data = read(tmp_path / "colours")
    assert data.labels == ("blue", "red")
    assert sizes(data) == (28, 6, 6)
    for part in (data.train, data.validation, data.test):
        images, labels = part.tensors
        assert images.shape[1:] == (SIDE, SIDE, 3)
        assert images.dtype.is_signed is False
        assert labels.bincount().tolist() == [len(labels) // 2] * 2
        blue_is_more = images[..., 2].float().mean((1, 2)) > images[..., 0].float().mean((1, 2))
        assert blue_is_more.tolist() == (labels == 0).tolist()
    assert str(data.description).startswith(
        "image folder colours, seed 0: 28 train, 6 validation, 6 test images (SHA-256 "
    )


def test_no_image_is_in_two_parts_and_none_is_lost(tmp_path: Path) -> None:
    write_classes(tmp_path, ["red", "blue"], 11)
    data = read(tmp_path)
    parts = [data.train, data.validation, data.test]
    seen = [image.numpy().tobytes() for part in parts for image in part.tensors[0]]
    assert len(seen) == len(set(seen)) == 22


def test_the_seed_decides_who_is_in_which_part(tmp_path: Path) -> None:
    write_classes(tmp_path, ["red", "blue"], 12)
    one, two, other = read(tmp_path), read(tmp_path), read(tmp_path, seed=1)
    for split in ("train", "validation", "test"):
        first, second = getattr(one, split).tensors, getattr(two, split).tensors
        assert all(map(np.array_equal, first, second))
    assert not np.array_equal(one.test.tensors[0], other.test.tensors[0])
    assert one.description == two.description
    assert one.description.sha256 == other.description.sha256


def test_three_images_of_a_class_are_one_for_each_part(tmp_path: Path) -> None:
    write_classes(tmp_path, ["red", "blue"], 3)
    assert sizes(read(tmp_path)) == (2, 2, 2)


def test_parts_that_are_there_are_kept(tmp_path: Path) -> None:
    for start, (name, each) in enumerate([("train", 4), ("val", 2), ("test", 3)]):
        write_classes(tmp_path / name, ["red", "blue"], each, 100 * start)
    data = read(tmp_path)
    assert sizes(data) == (8, 4, 6)
    picture = decode((tmp_path / "test/blue/200.jpg").read_bytes(), Limits())
    served = InputSpec(name="INPUT__0", height=SIDE, width=SIDE, fit=Fit.STRETCH)
    assert np.array_equal(data.test.tensors[0][:1], prepare(picture, served).tensor)


def test_a_part_that_is_missing_is_drawn_from_the_training(tmp_path: Path) -> None:
    write_classes(tmp_path / "train", ["red", "blue"], 20)
    write_classes(tmp_path / "validation", ["red", "blue"], 2, 50)
    assert sizes(read(tmp_path)) == (34, 4, 6)


def test_the_fingerprint_changes_with_a_byte_and_with_a_name(tmp_path: Path) -> None:
    write_classes(tmp_path, ["red", "blue"], 3)
    before = read(tmp_path).description.sha256
    path = tmp_path / "red" / "000.jpg"
    path.write_bytes(path.read_bytes() + b"\0")
    changed = read(tmp_path).description.sha256
    path.rename(path.with_name("0000.jpg"))
    assert len({before, changed, read(tmp_path).description.sha256}) == 3


def test_odd_files_are_read_and_others_left_out(tmp_path: Path) -> None:
    write_classes(tmp_path, ["red", "blue"], 3)
    odd = tmp_path / "red"
    (odd / "GROSS.JPG").write_bytes(jpeg(50, 30, 6))
    (odd / "palette.png").write_bytes(encode(quarters().quantize(8)))
    (odd / "cmyk.jpeg").write_bytes(encode(quarters().convert("CMYK"), "JPEG"))
    (odd / "small.avif").write_bytes(encode(quarters(), "AVIF"))
    (odd / "exif.jpg").write_bytes(encode(quarters(), "JPEG", exif=b"Exif\0\0II*\0" + b"\xff" * 4))
    (odd / "deeper").mkdir()
    (odd / "deeper" / "a 红.webp").write_bytes(encode(quarters(), "WEBP"))
    (odd / "notes.txt").write_text("not an image")
    (odd / ".hidden.jpg").write_text("not an image")
    (odd / ".thumbnails").mkdir()
    (odd / ".thumbnails" / "1.jpg").write_text("not an image")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "readme.md").write_text("about the images")
    assert sum(sizes(read(tmp_path))) == 6 + 6


def test_labels_are_the_names_of_the_folders(tmp_path: Path) -> None:
    for name in ("Größe 1", "左折", "a b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.jpg").write_bytes(photo("red", number))
    assert read(tmp_path).labels == ("Größe 1", "a b", "左折")


@pytest.mark.parametrize("name", [b"caf\xe9", b"two\nlines", b" "])
def test_names_that_no_card_could_hold_are_refused(tmp_path: Path, name: bytes) -> None:
    write_classes(tmp_path, ["red", "blue"], 3)
    (tmp_path / "red").rename(tmp_path / os.fsdecode(name))
    refused(tmp_path, "cannot be printed; rename it")


@pytest.mark.parametrize("content", [b"", b"text", photo("red", 9)[:300]])
def test_a_broken_image_is_named_or_counted(tmp_path: Path, content: bytes) -> None:
    write_classes(tmp_path, ["red", "blue"], 5)
    (tmp_path / "red" / "bad.jpg").write_bytes(content)
    refused(tmp_path, str(tmp_path / "red" / "bad.jpg"), "--skip-broken")
    data = read(tmp_path, skip_broken=True)
    assert sum(sizes(data)) == 10
    assert "(1 broken images left out)" in data.description.task


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            photo("red", 9)[:300],
            "broken or cut short; replace it, remove it, or leave such files out",
        ),
        (encode(Image.new("F", (8, 8)), "TIFF"), "range; save the image with 8 or 16 bits, unsi"),
        (claims_to_be_huge(20_000, 9), "20000x9 pixels (max_pixels 50,000,000, max_side 16,384)"),
    ],
)
def test_the_message_says_what_is_wrong_and_what_to_do(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    write_classes(tmp_path, ["red", "blue"], 5)
    (tmp_path / "red" / "bad.png").write_bytes(content)
    refused(tmp_path, "bad.png: ", reason)


def test_files_that_cannot_be_read_are_broken(tmp_path: Path) -> None:
    write_classes(tmp_path, ["red", "blue"], 5)
    loop, pipe = tmp_path / "red" / "loop.jpg", tmp_path / "red" / "pipe.jpg"
    loop.symlink_to(loop)
    refused(tmp_path, "loop.jpg: no regular file")
    loop.unlink()
    os.mkfifo(pipe)
    refused(tmp_path, "pipe.jpg: no regular file")
    assert sum(sizes(read(tmp_path, skip_broken=True))) == 10


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "root"
    write_classes(elsewhere, ["red", "blue"], 3)
    root.mkdir()
    (root / "red").symlink_to(elsewhere / "red")
    (root / "blue").symlink_to(elsewhere / "blue")
    (elsewhere / "red" / "again").symlink_to(root)
    assert sizes(read(root)) == (2, 2, 2)
    (root / "circle").symlink_to(root)
    refused(root, f"{root / 'circle'} is a link to a folder that holds it")


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train", "car"):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.png").write_bytes(photo("red", number))
    assert read(tmp_path).labels == ("car", "train")


def test_other_layouts_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "nowhere is no folder")
    refused(tmp_path, "holds 0 class folders")
    write_classes(tmp_path, ["red"], 3)
    refused(tmp_path, "holds 1 class folders", "DIR/CLASS")
    write_classes(tmp_path / "train", ["red", "blue"], 3)
    refused(tmp_path, "parts (train)", "other folders (red)")


def test_parts_without_a_training_part_are_refused(tmp_path: Path) -> None:
    write_classes(tmp_path / "test", ["red", "blue"], 3)
    refused(tmp_path, "has no folder train")


def test_parts_of_other_classes_are_refused(tmp_path: Path) -> None:
    write_classes(tmp_path / "train", ["red", "blue"], 4)
    write_classes(tmp_path / "test", ["red", "green"], 4)
    refused(tmp_path, str(tmp_path / "test"), "lacks", "blue")
    write_classes(tmp_path / "test", ["blue"], 4)
    refused(tmp_path, "alone has", "green")


def test_one_part_under_two_names_is_refused(tmp_path: Path) -> None:
    for name in ("train", "val", "validation"):
        write_classes(tmp_path / name, ["red", "blue"], 2)
    refused(tmp_path, "validation and val", "keep one")


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    write_classes(tmp_path, ["red", "blue"], 3)
    (tmp_path / "red" / "000.jpg").unlink()
    refused(tmp_path, f"{tmp_path / 'red'} holds 2 images, of at least 3")
    (tmp_path / "green").mkdir()
    (tmp_path / "green" / "green.txt").touch()
    refused(tmp_path, f"{tmp_path / 'green'} holds no image")


def test_a_class_of_nothing_but_broken_images_is_refused(tmp_path: Path) -> None:
    write_classes(tmp_path, ["red", "blue"], 3)
    (tmp_path / "red" / "001.jpg").write_bytes(b"")
    refused(tmp_path, "every image of red is broken", skip_broken=True)


def test_more_than_memory_holds_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_classes(tmp_path, ["red", "blue"], 4)
    monkeypatch.setattr(files, "MOST_BYTES", 8 * 3 * SIDE**2)
    assert sum(sizes(read(tmp_path))) == 8
    (tmp_path / "red" / "unread.jpg").touch()
    refused(tmp_path, "GiB", "smaller image size")


def test_signs_come_in_one_size() -> None:
    with pytest.raises(DataError, match=re.escape("signs are 64 pixels wide")):
        open_classification("signs", 224)
