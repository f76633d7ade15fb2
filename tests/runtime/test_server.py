"""A server that cannot start says why in a few lines."""

import socket

import pytest

from runtime.errors import StartError
from runtime.launch import TritonConfig
from runtime.ports import HOST, Ports
from runtime.server import TritonProcess
from tests.runtime import tiny


def test_a_model_that_cannot_be_loaded_is_named_with_the_reason(tmp_path):
    config = tiny.tensors("input", x="FP32") + tiny.tensors("output", y="FP32")
    tiny.add_model(tmp_path, "scaled", tiny.Scaled(), config)
    with pytest.raises(StartError) as caught, TritonProcess(TritonConfig(tmp_path)):
        pass
    text = str(caught.value)
    assert "scaled: argument 'scale' of forward is float" in text
    assert "NVML" not in text
    assert len(text.splitlines()) == 2


def test_a_port_in_use_is_in_the_last_words(adder):
    with socket.create_server((HOST, 0)) as holder:
        ports = Ports.choose(grpc=holder.getsockname()[1])
        with (
            pytest.raises(StartError, match=f"{ports.grpc}"),
            TritonProcess(TritonConfig(adder, ports=ports)),
        ):
            pass


def test_a_server_that_is_late_is_stopped(adder):
    server = TritonProcess(TritonConfig(adder, ready_timeout_seconds=1e-3))
    with pytest.raises(StartError, match="not ready within"), server:
        pass
    assert not server.alive
