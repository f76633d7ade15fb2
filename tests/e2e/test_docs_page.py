"""The OpenAPI page works in a real browser that can reach nothing but the gateway."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.stack import Stack

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"


def test_the_docs_page_renders_without_the_internet(stack: Stack, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium on this machine: install the package `chromium` to run this")
    page = subprocess.run(
        [
            browser,
            *FLAGS.split(),
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={tmp_path}",
            "--virtual-time-budget=10000",
            "--dump-dom",
            f"{stack.url}/docs",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert 'data-path="/predict"' in page
    assert "cdn." not in page
