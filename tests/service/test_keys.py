"""API keys: what a file may say, whom it lets in, and how it is exchanged under way."""

import logging
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from service.errors import GatewayError, answer
from service.keys import KeyFile, KeysError, Scope, generate, parse

pytestmark = pytest.mark.anyio
DIGEST = "0" * 64


class Keys:
    """A file of keys, and the clock of whoever reads it."""

    def __init__(self, path: Path) -> None:
        self.path, self.now = path, 0.0
        self.file = KeyFile(path, lambda: self.now)

    def write(self, *lines: str) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text("\n".join(lines) + "\n")
        fresh.chmod(0o600)
        fresh.rename(self.path)

    def admits(self, key: str, *scopes: Scope) -> bool:
        self.now += 2
        try:
            self.file.authenticate([(b"x-api-key", key.encode())], *(scopes or (Scope.PREDICT,)))
        except GatewayError:
            return False
        return True


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


def client(file: KeyFile) -> httpx.AsyncClient:
    async def predict(request: Request) -> PlainTextResponse:
        return PlainTextResponse(file.authenticate(request.headers.raw, Scope.PREDICT).name)

    async def refuse(request: Request, error: GatewayError):
        return answer(error, request.url.path, "id")

    app = Starlette(
        routes=[Route("/predict", predict, methods=["POST"])],
        exception_handlers={GatewayError: refuse},
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


@pytest.mark.parametrize(
    "header",
    [("Authorization", "Bearer {}"), ("authorization", "bearer  {} "), ("X-API-Key", "{}")],
)
async def test_a_key_lets_in_by_either_header(keys: Keys, header: tuple[str, str]) -> None:
    key, line = generate("phone", [Scope.PREDICT])
    keys.write("# mobile", "", line)
    keys.file.load()
    async with client(keys.file) as http:
        response = await http.post("/predict", headers={header[0]: header[1].format(key)})
    assert (response.status_code, response.text) == (200, "phone")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Basic dTpw")],
        [("Authorization", "Bearer ")],
        [("X-API-Key", "fovea_wrong")],
        [("X-API-Key", "\xe9\xff")],
        [("X-API-Key", "fovea_right"), ("Authorization", "Bearer fovea_other")],
    ],
    ids=["none", "another scheme", "empty", "unknown", "not ascii", "two"],
)
async def test_no_key_or_a_wrong_one_is_challenged(keys: Keys, headers) -> None:
    keys.write(generate("phone", [Scope.PREDICT])[1])
    keys.file.load()
    raw = [(name.encode(), content.encode("latin-1")) for name, content in headers]
    async with client(keys.file) as http:
        response = await http.post("/predict", headers=raw)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="fovea"'
    assert response.json()["type"] == "urn:fovea:problem:unauthenticated"
    assert "Authorization: Bearer" in response.json()["remedy"]


async def test_a_key_without_the_scope_is_told_which(keys: Keys) -> None:
    key, line = generate("operator", [Scope.ADMIN])
    keys.write(line)
    keys.file.load()
    async with client(keys.file) as http:
        response = await http.post("/predict", headers={"X-API-Key": key})
    assert response.status_code == 403
    assert response.json()["scope"] == "predict"
    assert 'error="insufficient_scope", scope="predict"' in response.headers["www-authenticate"]
    assert keys.admits(key, Scope.ADMIN)
    assert keys.admits(key, Scope.PREDICT, Scope.ADMIN)  # either will do


async def test_no_key_is_ever_told_or_logged(
    keys: Keys, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    right, line = generate("phone", [Scope.PREDICT])
    caplog.set_level(logging.DEBUG)
    keys.write(line)
    keys.file.load()
    async with client(keys.file) as http:
        answers = [await http.post("/predict", headers={"X-API-Key": key}) for key in (right, "no")]
    keys.write("broken:" + right)
    keys.file.reload()
    told = "".join(response.text for response in answers) + caplog.text
    assert right not in told
    assert right not in line
    assert "phone" in told


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["# nothing"], "no key"),
        (["a:predict"], "line 1: it is not NAME:SCOPES:SHA-256"),
        ([f"a:predict:{DIGEST}:x"], "line 1: it is not"),
        (["", f"a b:predict:{DIGEST}"], "line 2: it is not"),
        ([f"a:predict,root:{DIGEST}"], "line 1: 'root' is no scope; there are predict, admin"),
        ([f"a::{DIGEST}"], "line 1: '' is no scope"),
        (["a:predict:abc"], "line 1: the last part"),
        ([f"a:predict:{DIGEST}", "#", f"b:admin:{DIGEST}"], "line 3: the key of 'a' once more"),
    ],
)
def test_a_wrong_file_is_refused_with_the_line(keys: Keys, lines: list[str], problem: str) -> None:
    keys.write(*lines)
    with pytest.raises(KeysError, match=str(keys.path)) as refusal:
        keys.file.load()
    assert problem in str(refusal.value)


def test_a_missing_or_unreadable_file_is_refused_by_name(keys: Keys) -> None:
    with pytest.raises(KeysError, match="No such file"):
        keys.file.load()
    keys.path.write_bytes(b"\xff\xfe")
    with pytest.raises(KeysError, match=str(keys.path)):
        keys.file.load()


def test_a_changed_file_is_taken_over_within_a_second_and_a_name_may_have_two_keys(
    keys: Keys,
) -> None:
    old, old_line = generate("phone", [Scope.PREDICT])
    new, new_line = generate("phone", [Scope.PREDICT])
    keys.write(old_line)
    keys.file.load()
    assert (keys.admits(old), keys.admits(new)) == (True, False)
    keys.write(old_line, new_line)
    assert (keys.admits(old), keys.admits(new)) == (True, True)
    keys.write(new_line)
    assert (keys.admits(old), keys.admits(new)) == (False, True)


def test_a_wrong_new_file_is_refused_whole_and_the_old_keys_stay(
    keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    old, line = generate("phone", [Scope.PREDICT])
    new, new_line = generate("tablet", [Scope.PREDICT])
    keys.write(line)
    keys.file.load()
    keys.write(new_line, "typo")
    assert (keys.admits(old), keys.admits(new)) == (True, False)
    assert "line 2" in caplog.text
    keys.path.unlink()
    assert keys.admits(old)
    caplog.clear()
    assert keys.admits(old)
    assert not caplog.records  # said once
    keys.write(new_line)
    assert (keys.admits(old), keys.admits(new)) == (False, True)


def test_the_file_is_looked_at_once_a_second_at_most(keys: Keys) -> None:
    old, line = generate("phone", [Scope.PREDICT])
    keys.write(line)
    keys.file.load()
    keys.path.unlink()
    keys.write(generate("tablet", [Scope.PREDICT])[1])
    keys.now = 0.9
    assert keys.file.authenticate([(b"x-api-key", old.encode())], Scope.PREDICT).name == "phone"
    keys.file.reload()  # on demand at once
    assert not keys.admits(old)


@pytest.mark.parametrize(("mode", "warns"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_file_that_everybody_may_read_is_warned_about(
    keys: Keys, caplog: pytest.LogCaptureFixture, mode: int, warns: bool
) -> None:
    keys.write(generate("phone", [Scope.PREDICT])[1])
    keys.path.chmod(mode)
    keys.file.load()
    assert ("chmod 600" in caplog.text) == warns
    assert keys.path.stat().st_mode & 0o777 == mode


def test_a_generated_key_is_long_random_and_kept_only_as_its_hash() -> None:
    made = [generate("phone", [Scope.PREDICT, Scope.ADMIN]) for _ in range(100)]
    assert len({key for key, _ in made}) == 100
    key, line = made[0]
    assert key.startswith("fovea_")
    assert len(key) >= 48
    (only,) = parse(line).values()
    assert (only.name, only.scopes) == ("phone", {Scope.PREDICT, Scope.ADMIN})


@pytest.mark.parametrize(("name", "scopes"), [("a:b", ["predict"]), ("", ["predict"]), ("a", [])])
def test_a_key_is_not_made_that_no_file_may_have(name: str, scopes: list[str]) -> None:
    with pytest.raises(KeysError):
        generate(name, map(Scope, scopes))
