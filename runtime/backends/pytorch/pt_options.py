"""The settings a model's configuration gives to this backend, with LibTorch's names and grammar."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TRUE = ("true", "on", "1")
_FALSE = ("false", "off", "0")


class RefusedError(ValueError):
    """The model or its configuration cannot be served; the message says why."""


@dataclass(frozen=True)
class Options:
    """What this backend honours; every other key is accepted and has no effect here."""

    file_name: str = "model.pt"
    inference_mode: bool = True
    optimized_execution: bool = True
    intra_op_threads: int = 0  # 0: the number the process was started with


def read_options(config: Mapping[str, Any]) -> Options:
    """The options in a model configuration (the JSON object Triton passes); raises RefusedError."""
    parameters = {
        name: value["string_value"] for name, value in config.get("parameters", {}).items()
    }
    return Options(
        file_name=config.get("default_model_filename") or Options.file_name,
        inference_mode=_boolean(parameters, "INFERENCE_MODE", default=True),
        optimized_execution=not _boolean(parameters, "DISABLE_OPTIMIZED_EXECUTION", default=False),
        intra_op_threads=max(0, _integer(parameters, "INTRA_OP_THREAD_COUNT", default=0)),
    )


def _boolean(parameters: Mapping[str, str], key: str, *, default: bool) -> bool:
    text = parameters.get(key, str(default)).lower()
    if text not in _TRUE + _FALSE:
        raise RefusedError(f"parameter {key} is {parameters[key]!r}; it must be true or false")
    return text in _TRUE


def _integer(parameters: Mapping[str, str], key: str, *, default: int) -> int:
    text = parameters.get(key, str(default))
    try:
        return int(text)
    except ValueError:
        raise RefusedError(f"parameter {key} is {text!r}; it must be an integer") from None
