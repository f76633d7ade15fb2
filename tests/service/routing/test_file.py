"""The routing file is followed while it changes, and never makes things worse."""

import hashlib
import logging
import os
import re
import threading
from pathlib import Path

import pytest

from service.routing.file import LARGEST_BYTES, RoutesFile
from service.routing.parse import RoutesError
from service.routing.spec import Routes


def weighted(weight: int) -> str:
    return f"[routes.signs]\nto = {{ a = 100, b = {weight} }}\n"


def weight(file: RoutesFile) -> float:
    return file.current.routes["signs"].to[1].weight


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "routes.toml"
    path.write_text(weighted(1))
    return path


@pytest.fixture
def file(path: Path) -> RoutesFile:
    file = RoutesFile(path)
    file.load()
    return file


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.fault for record in caplog.records if record.levelno == logging.WARNING]


def test_without_a_file_there_are_no_routes() -> None:
    file = RoutesFile(None)
    file.load()
    file.refresh()
    assert (file.current, file.digest, file.loaded_at, file.fault) == (Routes(), "", None, "")


def test_a_wrong_file_stops_the_start_with_its_whole_name(path: Path) -> None:
    path.write_text("[routes.signs]\n")
    with pytest.raises(RoutesError, match=f"^{path}:1: routes.signs: 'to' is missing$"):
        RoutesFile(path).load()
    with pytest.raises(RoutesError, match=r"nope: No such file or directory$"):
        RoutesFile(path.with_name("nope")).load()


def test_a_change_counts_at_the_next_look(
    path: Path, file: RoutesFile, caplog: pytest.LogCaptureFixture
) -> None:
    before = file.in_force
    assert before.digest == hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    path.write_text(weighted(2))
    file.refresh()
    assert weight(file) == 2
    assert file.digest != before.digest
    assert file.loaded_at is not None
    assert before.loaded_at is not None
    assert file.loaded_at >= before.loaded_at
    assert [record.message for record in caplog.records] == ["routing file in force"]
    assert caplog.records[-1].digest == file.digest


def test_a_change_that_leaves_time_and_size_alone_is_seen(path: Path, file: RoutesFile) -> None:
    status = path.stat()
    path.write_text(weighted(9))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    file.refresh()
    assert weight(file) == 9


def test_what_did_not_change_stays_the_same_object_without_a_word(
    path: Path, file: RoutesFile, caplog: pytest.LogCaptureFixture
) -> None:
    before = file.in_force
    caplog.clear()
    path.touch()
    file.refresh()
    assert file.in_force is before
    assert not caplog.records


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"[routes.signs]\n", "routes.toml:1: routes.signs: 'to' is missing"),
        (b"[routes", "routes.toml:1: it is not TOML: .*"),
        (b"# \xc3\xa9\n# \xff", "routes.toml:2: it is not UTF-8"),
        (b"#" * (LARGEST_BYTES + 1), "routes.toml: it has more than 1000000 bytes"),
        (b"\n", "routes.toml: it is empty; .*"),
        (None, "routes.toml: No such file or directory"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_once_and_changes_nothing(
    path: Path,
    file: RoutesFile,
    caplog: pytest.LogCaptureFixture,
    content: bytes | None,
    fault: str,
) -> None:
    before = file.in_force
    path.unlink() if content is None else path.write_bytes(content)
    for _ in range(3):
        file.refresh()
    assert file.in_force is before
    assert re.fullmatch(fault, file.fault)
    assert warnings(caplog) == [file.fault]
    path.write_text(weighted(1))
    file.refresh()
    assert (file.fault, file.in_force) == ("", before)
    assert caplog.records[-1].message == "routing file in force"


def test_each_change_of_a_wrong_file_is_told(
    path: Path, file: RoutesFile, caplog: pytest.LogCaptureFixture
) -> None:
    for text in ("[routes.signs]", "[routes.signs]\n", "[zzz]"):
        path.write_text(text)
        file.refresh()
    assert len(warnings(caplog)) == 3
    assert "zzz" in file.fault


def test_one_that_is_renamed_over_it_counts(path: Path, file: RoutesFile) -> None:
    new = path.with_name("new")
    new.write_text(weighted(3))
    new.replace(path)
    file.refresh()
    assert weight(file) == 3


def test_half_of_one_is_refused_until_the_other_half_is_there(path: Path, file: RoutesFile) -> None:
    text = weighted(4)
    with path.open("w") as written:
        file.refresh()
        assert "empty" in file.fault
        written.write(text[:-5])
        written.flush()
        file.refresh()
        assert "not TOML" in file.fault
        assert weight(file) == 1
        written.write(text[-5:])
    file.refresh()
    assert (file.fault, weight(file)) == ("", 4)


def test_a_config_map_that_kubernetes_swaps_counts(tmp_path: Path) -> None:
    for name, share in (("..1", 1), ("..2", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "routes.toml").write_text(weighted(share))
        os.utime(tmp_path / name / "routes.toml", ns=(0, 0))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "routes.toml").symlink_to("..data/routes.toml")
    file = RoutesFile(tmp_path / "routes.toml")
    file.load()
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    file.refresh()
    assert weight(file) == 2


def test_a_mark_of_the_byte_order_and_windows_lines_do_no_harm(
    path: Path, file: RoutesFile
) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + weighted(5).replace("\n", "\r\n").encode())
    file.refresh()
    assert (file.fault, weight(file)) == ("", 5)


def test_readers_never_see_a_mixture(path: Path, file: RoutesFile) -> None:
    """What is in force is one object: its digest is always that of its routes."""
    digests = {}
    for share in (1, 2):
        digests[hashlib.sha256(weighted(share).encode()).hexdigest()[:12]] = share
    seen, done = set(), threading.Event()

    def read() -> None:
        while not done.is_set():
            now = file.in_force
            seen.add((digests[now.digest], now.routes.routes["signs"].to[1].weight))

    reader = threading.Thread(target=read)
    reader.start()
    for share in (1, 2) * 20:
        path.write_text(weighted(share))
        file.refresh()
    done.set()
    reader.join()
    assert seen == {(1, 1), (2, 2)}
