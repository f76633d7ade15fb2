"""Decodes images, each in a process of its own, and prints what it took: run by test_memory.py."""

import asyncio
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pixels.decode import configure_pillow
from pixels.native import return_large_blocks
from service.pool import Pool
from service.settings import Settings
from service.steps.decode import decode, inspect
from service.values import Upload


def peak_bytes() -> int:
    """The most that this process has ever had in memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def alone(path: Path) -> str:
    """Bytes that decoding takes above what is there before, and bytes that were reserved."""
    upload, settings = Upload(path.read_bytes()), Settings(max_decode_bytes=4_000_000_000)
    before = peak_bytes()
    header = inspect(upload, settings)
    decode(upload, settings, header)
    return f"{peak_bytes() - before} {header.reserved_bytes}"


async def together(paths: list[Path]) -> str:
    """The same of all at once, under the default budget."""
    settings = Settings()
    pool = Pool(4, settings.max_decode_bytes)
    uploads = [Upload(path.read_bytes()) for path in paths]
    before = peak_bytes()

    async def one(upload: Upload) -> None:
        header = inspect(upload, settings)
        await pool.run(decode, upload, settings, header, memory=header.reserved_bytes)

    await asyncio.gather(*map(one, uploads))
    return f"{peak_bytes() - before} {settings.max_decode_bytes}"


def apart(work: Callable[[], str]) -> None:
    """``work`` in a child, so that nothing that was there before counts."""
    child = os.fork()
    if child == 0:
        sys.stdout.write(work() + "\n")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    configure_pillow()
    return_large_blocks()
    files = [Path(name) for name in sys.argv[1:]]
    for file in files:
        apart(partial(alone, file))
    apart(lambda: asyncio.run(together(files * 2)))
