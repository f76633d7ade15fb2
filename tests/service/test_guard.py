"""Keys and rates as callers meet them: on the routes of the whole app."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.__main__ import main
from service.keys import Scope, generate
from tests.service.client import gateway, predict

pytestmark = pytest.mark.anyio


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, str, str]:
    """A file of keys, and the keys for predicting and for administration."""
    phone, first = generate("phone", [Scope.PREDICT])
    admin, second = generate("ops", [Scope.ADMIN])
    file = tmp_path / "keys"
    file.write_text(f"{first}\n{second}\n")
    file.chmod(0o600)
    return file, phone, admin


async def test_each_route_wants_its_scope(keys: tuple[Path, str, str]) -> None:
    file, phone, admin = keys
    async with gateway(api_keys_file=file, model_control=True) as client:
        assert (await predict(client)).status_code == 401
        assert (await client.get("/models")).status_code == 401
        assert (await client.get("/healthz")).status_code == 200
        client.headers["X-API-Key"] = phone
        assert (await predict(client)).status_code == 200
        assert (await client.get("/models")).status_code == 200
        refused = await client.post("/models/a/unload")
        assert (refused.status_code, refused.json()["scope"]) == (403, "admin")
        client.headers["X-API-Key"] = admin
        assert (await predict(client)).status_code == 403
        assert (await client.get("/models")).status_code == 200


async def test_a_caller_that_asks_too_often_is_told_when_to_return() -> None:
    async with gateway(rate_per_second=0.1, rate_burst=2) as client:
        answers = [await predict(client) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 10
    assert answers[2].json()["type"] == "urn:fovea:problem:rate-limited"


async def test_every_answer_is_shielded() -> None:
    async with gateway() as client:
        for answer in (await predict(client), await client.get("/nowhere")):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
        assert (await client.get("/healthz", headers={"host": "evil.example"})).status_code == 421


def test_a_wrong_file_of_keys_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("phone:predict\n")
    # A process of its own: a start takes the logging and the signals of the one it is in.
    ended = subprocess.run(
        [sys.executable, "-m", "service"],
        env=os.environ | {"FOVEA_API_KEYS_FILE": str(file)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "line 1" in ended.stderr


def test_keygen_prints_a_key_and_the_line_that_lets_it_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["keygen", "phone", "--scope", "predict"]) == 0
    key, line = (row.split()[-1] for row in capsys.readouterr().out.splitlines())
    assert line.startswith("phone:predict:")
    assert key not in line
    assert main(["keygen", "a:b", "--scope", "predict"]) == 2
