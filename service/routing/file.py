"""The routing file in force: read at the start, followed while it changes."""

import hashlib
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from service.routing.parse import Fault, RoutesError, parse
from service.routing.spec import Routes

LARGEST_BYTES = 1_000_000
DIGITS = 12  # of a SHA-256, to tell texts apart

log = logging.getLogger(__name__)

Content = bytes | str  # of the file; why it cannot be read


@dataclass(frozen=True, slots=True)
class InForce:
    """A text that was right, and since when it counts."""

    routes: Routes
    digest: str = ""  # the text's; "" without a file
    loaded_at: datetime | None = None  # UTC; None without a file


class RoutesFile:
    """What ``path`` said when it last was right; without one, no routes at all."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: Content | None = None
        self._looking = threading.Lock()
        self.in_force = InForce(Routes())  # replaced as a whole
        self.fault = ""  # of the file as it now is, a line for each; "" while it is in force

    @property
    def current(self) -> Routes:
        """The routes that count now."""
        return self.in_force.routes

    @property
    def digest(self) -> str:
        """A short SHA-256 of their text; "" without a file."""
        return self.in_force.digest

    @property
    def loaded_at(self) -> datetime | None:
        """Since when they count, in UTC; None without a file."""
        return self.in_force.loaded_at

    def load(self) -> None:
        """Read the file, at the start.

        Raises:
            RoutesError: it cannot be read, or something in it is wrong.
        """
        if self._path is not None:
            self._seen = read(self._path)
            self._take(self._seen, str(self._path))

    def refresh(self) -> None:
        """Read the file; if it has changed, it counts from now on, or the log says what is wrong.

        Never raises. Threads may call it at once.
        """
        if self._path is None:
            return
        with self._looking:
            content = read(self._path)
            if content == self._seen:
                return
            self._seen = content
            name = self._path.name
            try:
                self._take(content, name)
            except RoutesError as error:
                self._refuse(str(error))
            except Exception:  # whoever follows the file must outlive whatever it holds
                log.exception("the routing file could not be understood")
                self._refuse(f"{name}: it could not be understood; the log has the cause")

    def _take(self, content: Content, name: str) -> None:
        text = decoded(content, name)
        routes = parse(text, name)
        digest = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
        if digest != self.digest:
            self.in_force = InForce(routes, digest, datetime.now(UTC))
        self.fault = ""
        log.info("routing file in force", extra={"digest": digest, "routes": list(routes.routes)})

    def _refuse(self, fault: str) -> None:
        self.fault = fault
        told = {"fault": fault, "digest": self.digest}
        log.warning("routing file refused, the routes before it stay in force", extra=told)


def read(path: Path) -> Content:
    """All of the file, each time: its time and size may be the same although it has changed."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        return error.strerror or type(error).__name__
    return content if len(content) <= LARGEST_BYTES else f"it has more than {LARGEST_BYTES} bytes"


def decoded(content: Content, name: str) -> str:
    """The text of a file of that name.

    Raises:
        RoutesError: there is none.
    """
    if isinstance(content, str):
        raise RoutesError(name, Fault(content))
    if not content.strip():  # as between a shell's `>` and what it writes
        raise RoutesError(name, Fault("it is empty; where no routes are meant, write a comment"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RoutesError(name, Fault("it is not UTF-8", line)) from None
