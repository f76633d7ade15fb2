"""Every environment variable of the gateway: type, default, one-line meaning."""

import difflib
import os
from typing import Any, Literal, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "FOVEA_"


class SettingsError(ValueError):
    """Settings that cannot be used; the message names each variable that is wrong."""


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0))


class Settings(BaseSettings):
    """Built once, frozen, handed down. A variable is the field's name after ``FOVEA_``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address the gateway listens on")
    port: int = Field(8080, ge=0, le=65535, description="port it listens on; 0 takes a free one")
    triton_url: str = Field("127.0.0.1:8001", description="host:port of Triton's gRPC endpoint")
    timeout_seconds: float = Field(
        10, gt=0, le=3600, description="longest time a prediction may take, its upload included"
    )
    max_in_flight: int = Field(
        64, ge=1, description="predictions under way at once; more are refused with 503"
    )
    max_body_bytes: int = Field(20_000_000, ge=1, description="largest request body, in bytes")
    max_pixels: int = Field(50_000_000, ge=1, description="largest image, width x height")
    max_side: int = Field(16_384, ge=1, description="longest side of an image, in pixels")
    decode_threads: int = Field(
        default_factory=_usable_cores,
        ge=1,
        description="threads that decode, resize and draw images; by default one a usable core",
    )
    model_control: bool = Field(
        False, description="whether callers may load and unload models: any caller, unasked who"
    )
    load_timeout_seconds: float = Field(
        120, gt=0, le=3600, description="longest time a caller waits for a model to load"
    )
    catalog_refresh_seconds: float = Field(
        2, gt=0, description="pause between two looks at Triton's list of models"
    )
    drain_seconds: float = Field(
        0, ge=0, description="after SIGTERM, how long to serve on with /readyz already at 503"
    )
    shutdown_seconds: int = Field(
        15, ge=1, description="after that, how long running requests may take to finish"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severity that is logged; each request is one info line"
    )

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Settings from the environment, with ``overrides`` on top.

        Raises:
            SettingsError: a variable has a wrong value, or a misspelt one carries our prefix.
        """
        known = {PREFIX + name.upper() for name in cls.model_fields}
        unknown = {name for name in os.environ if name.upper().startswith(PREFIX)} - known
        if unknown:
            raise SettingsError("; ".join(_misspelt(name, known) for name in sorted(unknown)))
        try:
            return cls(**overrides)
        except ValidationError as error:
            raise SettingsError("; ".join(_explain(item) for item in error.errors())) from None

    @classmethod
    def table(cls) -> str:
        """One line a variable: name, default, meaning."""
        rows = []
        for name, field in cls.model_fields.items():
            default = field.get_default(call_default_factory=True, validated_data={})
            rows.append(f"  {PREFIX + name.upper():<30} {default!s:<15} {field.description}")
        return "\n".join(rows)


def _misspelt(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "python -m service --help lists them all"
    return f"{name} is not a setting; {hint}"


def _explain(item: Any) -> str:
    name = PREFIX + "_".join(str(part) for part in item["loc"]).upper()
    return f"{name} is {item['input']!r}: {item['msg']}"
