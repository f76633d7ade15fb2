"""Every environment variable of the gateway: type, default, one-line meaning."""

import difflib
import importlib.util
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    DirectoryPath,
    Field,
    FilePath,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from pixels.limits import Limits
from service.cores import usable_cores

PREFIX = "FOVEA_"
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own variable


def shared_folder() -> Path | None:
    """Where the metrics of several workers add up, if anywhere."""
    folder = os.environ.get(SHARED_FOLDER)
    return Path(folder) if folder else None


def with_shared_folder(folder: str) -> dict[str, str]:
    """This process's environment, for workers whose metrics add up in ``folder``."""
    return os.environ | {SHARED_FOLDER: folder}


class SettingsError(ValueError):
    """Settings that cannot be used; the message names each variable that is wrong."""


def _names(given: object) -> object:
    """What a variable lists with commas."""
    if isinstance(given, str):
        return tuple(filter(None, (name.strip() for name in given.split(","))))
    return given


class Settings(BaseSettings):
    """Built once, frozen, handed down. A variable is the field's name after ``FOVEA_``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address the gateway listens on")
    port: int = Field(8080, ge=0, le=65535, description="port it listens on; 0 takes a free one")
    workers: int = Field(1, ge=1, le=256, description="processes that serve the port")
    triton_url: str = Field(
        "127.0.0.1:8001",
        pattern=r"^[^\s,]+:\d+(,[^\s,]+:\d+)*$",
        description="host:port of Triton's gRPC endpoint; several with commas between them, or "
        "dns:///name:port for all that a name resolves to",
    )
    triton_tls: bool = Field(False, description="whether to talk to Triton over TLS")
    triton_ca_file: FilePath | None = Field(
        None, description="PEM file of whoever signs Triton's certificate; the system's by default"
    )
    triton_cert_file: FilePath | None = Field(
        None, description="PEM file of the gateway's own certificate, where Triton wants one"
    )
    triton_key_file: FilePath | None = Field(
        None, validate_default=True, description="PEM file of the key to that certificate"
    )
    triton_secret_file: FilePath | None = Field(
        None, description="file with the KEY=SECRET of Triton's --grpc-restricted-protocol"
    )
    timeout_seconds: float = Field(
        10,
        gt=0,
        le=3600,
        description="longest time a prediction may take, its upload included; callers may ask for "
        "less",
    )
    max_in_flight: int = Field(
        64, ge=1, description="predictions under way at once; more are refused with 503"
    )
    queue_seconds: float = Field(
        0.1, ge=0, le=60, description="longest time that a burst waits for a model to be free"
    )
    latency_target_seconds: float = Field(
        0.25,
        gt=0,
        le=3600,
        description="latency up to which a model may take more predictions at once, within 1.5 to "
        "12 times that of a lone one",
    )
    max_body_bytes: int = Field(20_000_000, ge=1, description="largest request body, in bytes")
    max_pixels: int = Field(Limits.max_pixels, ge=1, description="largest image, width x height")
    max_side: int = Field(Limits.max_side, ge=1, description="longest side of an image, in pixels")
    decode_threads: int = Field(
        default_factory=usable_cores,
        ge=1,
        description="threads that decode, resize and draw images; by default one a usable core",
    )
    max_decode_bytes: int = Field(
        Limits.max_decode_bytes,
        ge=1,
        description="memory for images under decoding, all together; others wait, and one that "
        "needs more alone is refused",
    )
    max_buffered_bytes: int = Field(
        80_000_000,
        ge=1,
        description="memory for bodies of more than a megabyte, all together; others wait",
    )
    max_images: int = Field(32, ge=1, le=1024, description="images in one request")
    model_control: bool = Field(
        False, description="whether callers may load and unload models: any caller, unasked who"
    )
    api_keys_file: FilePath | None = Field(
        None,
        description="file of API keys, a line NAME:SCOPES:SHA-256 each; by default none needed",
    )
    rate_per_second: float = Field(
        0, ge=0, description="prediction requests a second from one caller; 0 for any number"
    )
    rate_burst: int = Field(
        20, ge=1, description="prediction requests from one caller at once, after a rest"
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        (),
        description="names that callers may call the gateway by, as a,b; * for any; by default any "
        "but on a loopback address, where it is that address and localhost",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        (), description="web origins whose pages may ask, as https://a.example,https://b.example"
    )
    load_timeout_seconds: float = Field(
        120, gt=0, le=3600, description="longest time a caller waits for a model to load"
    )
    catalog_refresh_seconds: float = Field(
        2, gt=0, description="pause between two looks at Triton's list of models"
    )
    canary_seconds: float = Field(
        10,
        ge=0,
        description="how long a model may go without an answer before a blank image is tried on "
        "it; 0 for never",
    )
    recipes_dir: DirectoryPath | None = Field(
        None, description="folder with a NAME.toml for each model that carries no recipe of its own"
    )
    routes_file: FilePath | None = Field(
        None, description="routing file (TOML): aliases, weights, shadows, fallbacks, defaults"
    )
    cache_bytes: int = Field(
        0, ge=0, description="memory for answers to be given again to equal requests; 0 for none"
    )
    compare_models: int = Field(
        8, ge=2, le=64, description="models that one request may compare at most"
    )
    required_models: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        (), description="models without which /readyz says no, as a,b; by default any one will do"
    )
    drain_seconds: float = Field(
        0, ge=0, description="after SIGTERM, how long to serve on with /readyz already at 503"
    )
    shutdown_seconds: int = Field(
        15, ge=1, description="after that, how long running requests may take to finish"
    )
    otel_endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
        description="OpenTelemetry collector that traces are sent to by OTLP over HTTP, as "
        "http://collector:4318; needs the extra `otel`",
    )
    otel_share: float = Field(
        1, ge=0, le=1, description="share of requests to trace where the caller has not decided"
    )
    docs: bool = Field(True, description="whether /docs, /redoc and /openapi.json are there")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severity that is logged; each request is one info line"
    )

    @field_validator("triton_ca_file", "triton_cert_file", "triton_key_file")
    @classmethod
    def _only_with_tls(cls, path: FilePath | None, info: ValidationInfo) -> FilePath | None:
        if path is not None and not info.data.get("triton_tls"):
            raise ValueError("without FOVEA_TRITON_TLS=true it would not be used")
        return path

    @field_validator("triton_key_file")
    @classmethod
    def _key_with_certificate(cls, path: FilePath | None, info: ValidationInfo) -> FilePath | None:
        if (path is None) != (info.data.get("triton_cert_file") is None):
            raise ValueError("a certificate and its key belong together: give both or neither")
        return path

    @field_validator("triton_secret_file")
    @classmethod
    def _holds_a_secret(cls, path: FilePath | None) -> FilePath | None:
        if path is not None and "=" not in path.read_text():
            raise ValueError("it must hold KEY=SECRET, as it is given to Triton")
        return path

    @field_validator("otel_endpoint")
    @classmethod
    def _with_its_libraries(cls, url: str | None) -> str | None:
        if url is not None and not _installed("opentelemetry.exporter.otlp.proto.http"):
            raise ValueError("its libraries are missing; pip install 'fovea[otel]' brings them")
        return url

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

    def of_one_worker(self) -> Self:
        """With what one of the workers may take of the bounds that hold for all together."""
        shared = ("max_in_flight", "decode_threads")
        shares = {name: max(getattr(self, name) // self.workers, 1) for name in shared}
        shares["cache_bytes"] = self.cache_bytes // self.workers
        return self.model_copy(update=shares)

    @classmethod
    def table(cls) -> str:
        """One line a variable: name, default, meaning."""
        rows = []
        for name, field in cls.model_fields.items():
            default = field.get_default(call_default_factory=True, validated_data={})
            rows.append(f"  {PREFIX + name.upper():<30} {default!s:<15} {field.description}")
        return "\n".join(rows)


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it
        return False


def _misspelt(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "python -m service --help lists them all"
    return f"{name} is not a setting; {hint}"


def _explain(item: Any) -> str:
    name = PREFIX + "_".join(str(part) for part in item["loc"]).upper()
    return f"{name} is {item['input']!r}: {item['msg']}"
