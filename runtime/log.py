"""Read a server's log: which models came up, why one did not, and the lines worth showing."""

import re
import threading
from collections import deque
from typing import IO

# What every server says on a machine without an NVIDIA driver; it means nothing here.
_NOISE = (
    "Unable to allocate pinned system memory",
    "failed to allocate pinned system memory",
    "CUDA memory pool disabled",
    "CudaDriverHelper has not been initialized",
    "Failed to initialize NVML",
    "DCGM unable to start",
)
_PREFIX = re.compile(r'^[IWEF]\d{4} [\d:.]+ \d+ [\w.]+:\d+\] "?')
_LOADED = re.compile(r"successfully loaded '([^']+)'")
_LOADING = re.compile(r"loading: ([^:]+):(\d+)")
_FAILED = (
    re.compile(r"failed to load '([^']+)' version \d+: (.+)"),
    re.compile(r"failed to load model '([^']+)': (.+)"),
    re.compile(r"Poll failed for model directory '([^']+)': (.+)"),
)
_TOLD_AGAIN = "Failed to create instance"  # the line that names the model follows
_WRAPPER = "Internal: TritonModelException: "


def readable(line: str) -> str | None:
    """``line`` without Triton's prefix; None for tables, driver noise and empty lines."""
    if not line.strip() or line.startswith(("+-", "| ")) or any(text in line for text in _NOISE):
        return None
    return _PREFIX.sub("", line).rstrip().removesuffix('"') or None


def failure_in(line: str) -> tuple[str, str] | None:
    """The model that ``line`` says could not be loaded, and the reason."""
    for pattern in _FAILED:
        if match := pattern.search(line):
            reason = match[2].rstrip().removesuffix('"').removeprefix(_WRAPPER)
            return match[1], reason.partition("\\n")[0]
    return None


def news_in(line: str) -> str | None:
    """What ``line`` tells somebody who waits: progress, or a warning; None for most lines."""
    if match := _LOADING.search(line):
        return f"loading {match[1]} version {match[2]}"
    if match := _LOADED.search(line):
        return f"loaded {match[1]}"
    if line[:1] in "WE" and _PREFIX.match(line) and _TOLD_AGAIN not in line:
        return readable(line)
    return None


class ServerLog:
    """Follows the output of one server on a thread of its own, in bounded memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.failures: dict[str, str] = {}
        self._lines: deque[str] = deque(maxlen=200)
        self._news: deque[str] = deque(maxlen=200)
        self._thread = threading.Thread(target=self._follow, args=(stream,), daemon=True)
        self._thread.start()

    def last_lines(self, count: int = 20) -> list[str]:
        """The latest readable lines, oldest first."""
        return list(self._lines)[-count:]

    def news(self) -> list[str]:
        """What was new since the last call."""
        return [self._news.popleft() for _ in range(len(self._news))]

    def finish(self, timeout_seconds: float) -> None:
        """Wait for the end of the output."""
        self._thread.join(timeout_seconds)

    def _follow(self, stream: IO[bytes]) -> None:
        with stream:
            for raw in stream:
                self._take(raw.decode(errors="replace"))

    def _take(self, line: str) -> None:
        if (text := readable(line)) is not None:
            self._lines.append(text)
        if (failure := failure_in(line)) is not None:
            self.failures[failure[0]] = failure[1]
        elif (news := news_in(line)) is not None:
            self._news.append(news)
