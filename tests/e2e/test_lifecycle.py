"""Processes are really killed: nothing is left behind, and what must come back comes back."""

import signal
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.stack import Stack, serve
from tests.e2e.test_prediction import PHOTOGRAPHS, predict

PHOTO = (PHOTOGRAPHS / "rocket.jpg").read_bytes()


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=0)[1]


@pytest.mark.parametrize("victim", ["gateway", "supervisor"])
def test_a_killed_parent_leaves_no_triton_behind(tmp_path: Path, victim: str) -> None:
    with serve(tmp_path / "log") as stack:
        family = stack.tree()
        target = stack.gateway() if victim == "gateway" else psutil.Process(stack.process.pid)
        target.kill()
        stack.wait(lambda: gone(family[1:]), 20, f"the end of everything after kill -9 {victim}")


def test_a_killed_triton_comes_back_and_serves(tmp_path: Path) -> None:
    with serve(tmp_path / "log") as stack, httpx.Client(base_url=stack.url) as client:
        assert predict(client, PHOTO).status_code == 200
        gateway = stack.gateway().pid
        stack.triton().kill()
        stack.wait(lambda: not stack.ready(), 10, "/readyz turning 503")
        refused = predict(client, PHOTO)
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        assert client.get("/healthz").status_code == 200
        stack.wait(stack.ready, 60, "Triton's return")
        assert predict(client, PHOTO).status_code == 200
        assert stack.gateway().pid == gateway


def test_ctrl_c_ends_everything_in_order(tmp_path: Path) -> None:
    with serve(tmp_path / "log") as stack:
        family = stack.tree()
        stack.process.send_signal(signal.SIGINT)
        stack.process.wait(30)
        assert gone(family)
        assert "Traceback" not in stack.log.read_text()


def test_it_listens_on_loopback_alone(stack: Stack) -> None:
    listening = [
        connection.laddr.ip
        for process in stack.tree()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
