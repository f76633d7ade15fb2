"""API keys: who may ask, read from a file that holds only their hashes.

A line of the file is ``name:scopes:sha256``, as ``python -m service keygen`` prints it: scopes with
commas between them, the hash of the whole key in hexadecimal digits. Empty lines and those that
begin with ``#`` do not count. A name may have several keys, so that one can replace another.

Why SHA-256 and no slow hash such as bcrypt: slowness protects what people choose, of which there
are few. A key is 256 random bits; nobody tries them all, at whatever speed, and a slow hash would
hand everybody who sends wrong keys a lever against our processors.

Why a look-up by hash, without comparing in constant time: what the time could give away is how
much of the hash of a wrong key agrees with a stored one. Nobody can choose keys by their hash, so
that knowledge leads nowhere nearer to a key.
"""

import hashlib
import logging
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from service.errors import Forbidden, Unauthenticated

PREFIX = "fovea_"  # lets scanners for leaked secrets find one
LOOK_SECONDS = 1.0  # between two looks at the file
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DIGEST = re.compile(r"[0-9a-fA-F]{64}")
OTHERS = stat.S_IROTH | stat.S_IWOTH

log = logging.getLogger(__name__)


class KeysError(ValueError):
    """A file of keys that cannot be used; the message names it, and the line."""


class Scope(StrEnum):
    """What a key may be good for."""

    PREDICT = "predict"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """Whom a key belongs to; the key itself is nowhere."""

    name: str
    scopes: frozenset[Scope]


def generate(name: str, scopes: Iterable[Scope]) -> tuple[str, str]:
    """A new key, to be given away and forgotten, and the line that lets it in.

    Raises:
        KeysError: a name or scopes that no line may have.
    """
    key = PREFIX + secrets.token_urlsafe(32)
    line = f"{name}:{','.join(scopes)}:{_digest(key.encode())}"
    parse(line)
    return key, line


def parse(text: str) -> Mapping[str, Key]:
    """The keys of a file by their hashes.

    Raises:
        KeysError: a line is wrong, or there is none.
    """
    keys: dict[str, Key] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            digest, key = _parse_line(line.strip())
        except KeysError as error:
            raise KeysError(f"line {number}: {error}") from None
        if digest in keys:
            raise KeysError(f"line {number}: the key of {keys[digest].name!r} once more")
        keys[digest] = key
    if not keys:
        raise KeysError("it has no key, so that nobody could ask")
    return keys


def _parse_line(line: str) -> tuple[str, Key]:
    parts = line.split(":")
    if len(parts) != 3 or not NAME.fullmatch(parts[0]):
        raise KeysError("it is not NAME:SCOPES:SHA-256")
    name, scopes, digest = parts
    unknown = set(scopes.split(",")) - set(Scope)
    if unknown:
        raise KeysError(f"{min(unknown)!r} is no scope; there are {', '.join(Scope)}")
    if not DIGEST.fullmatch(digest):
        raise KeysError("the last part is not the 64 digits of a SHA-256")
    return digest.lower(), Key(name, frozenset(map(Scope, scopes.split(","))))


class KeyFile:
    """The keys in force: those of ``path`` as it last was when nothing was wrong with it."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._seen: tuple[int, ...] = ()
        self._looked_at = 0.0

    def load(self) -> None:
        """Read the file, whether or not it has changed.

        Raises:
            KeysError: it cannot be read or used; the keys that were in force still are.
        """
        self._looked_at, self._seen = self._clock(), self._state()
        try:
            keys = parse(self._path.read_text(encoding="utf-8"))
            mode = self._path.stat().st_mode
        except OSError as error:
            raise KeysError(f"{self._path}: {error.strerror}") from None
        except ValueError as error:
            raise KeysError(f"{self._path}: {error}") from None
        self._keys = keys
        log.info("API keys read", extra={"keys": sorted(key.name for key in keys.values())})
        if mode & OTHERS:
            log.warning("everybody may read or write %s; chmod 600 would help", self._path)

    def reload(self) -> None:
        """Read the file; if it is wrong, say so in the log and keep the keys there were."""
        try:
            self.load()
        except KeysError as error:
            log.warning("the API keys there were stay in force: %s", error)

    def authenticate(self, headers: Iterable[tuple[bytes, bytes]], *scopes: Scope) -> Key:
        """The key in a request's headers, which must have one of ``scopes``.

        Raises:
            Unauthenticated: none, more than one, or one that is not in force.
            Forbidden: it is good for other things.
        """
        digest = _digest(_presented(headers))
        self._look()
        key = self._keys.get(digest)
        if key is None:
            raise Unauthenticated("the API key is not known")
        if key.scopes.isdisjoint(scopes):
            scope = scopes[0].value
            raise Forbidden(f"the key {key.name!r} lacks the scope {scope!r}", scope)
        return key

    def _look(self) -> None:
        """Once a second, see whether the file is another one."""
        now = self._clock()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            if self._state() != self._seen:
                self.reload()

    def _state(self) -> tuple[int, ...]:
        """What changes when the file does; empty while there is none."""
        try:
            status = self._path.stat()
        except OSError:
            return ()
        return status.st_mtime_ns, status.st_ino, status.st_size


def _presented(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    sent = []
    for name, content in headers:
        if name == b"x-api-key":
            sent.append(content)
        elif name == b"authorization" and content[:7].lower() == b"bearer ":
            sent.append(content[7:])
    if len(sent) != 1:
        raise Unauthenticated("more than one API key was sent" if sent else "no API key was sent")
    return sent[0].strip()


def _digest(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()
