"""One gRPC channel to one address: its options, its credentials, and the calls made over it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from service.settings import Settings
from service.triton.translate import Refusal

SHORTEST_CALL_SECONDS = 0.005  # some servers crash on gRPC deadlines of a few milliseconds
INFER = "/inference.GRPCInferenceService/ModelInfer"
RESTRICTED = "triton-grpc-protocol-"  # and the key of --grpc-restricted-protocol

OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A restarted server is found again within a second or so, not after gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Triton answers pings more often than every 5 min by closing the connection. The ping's
    # timeout is also TCP's, which is what notices a peer that vanished without a word.
    ("grpc.keepalive_time_ms", 330_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Retries are ours (`attempts`); gRPC would keep a copy of each request for its own.
    ("grpc.enable_retries", 0),
]


@dataclass(frozen=True, slots=True)
class Access:
    """How the gateway shows itself to Triton."""

    credentials: grpc.ChannelCredentials | None = None  # None: plain text
    metadata: tuple[tuple[str, str], ...] = ()  # of every call

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings' files hold; OSError if one cannot be read."""
        credentials = None
        if settings.triton_tls:
            credentials = grpc.ssl_channel_credentials(
                root_certificates=_content(settings.triton_ca_file),
                private_key=_content(settings.triton_key_file),
                certificate_chain=_content(settings.triton_cert_file),
            )
        return cls(credentials, _secret(settings.triton_secret_file))


def _content(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


def _secret(path: Path | None) -> tuple[tuple[str, str], ...]:
    if path is None:
        return ()
    key, _, secret = path.read_text().strip().partition("=")
    return ((RESTRICTED + key.lower(), secret),)


class Channel:
    """The calls to one address; belongs to the event loop that first uses it.

    ``name`` is what the certificate must be for, where that is not the address itself.
    """

    def __init__(self, address: str, access: Access, name: str = "") -> None:
        self.address = address
        self._access = access
        self._name = name

    @cached_property
    def _grpc(self) -> grpc.aio.Channel:
        options = list(OPTIONS)
        if self._access.credentials is None:
            return grpc.aio.insecure_channel(self.address, options)
        if self._name:
            options.append(("grpc.ssl_target_name_override", self._name))
        return grpc.aio.secure_channel(self.address, self._access.credentials, options)

    @cached_property
    def _stub(self) -> Any:
        return service_pb2_grpc.GRPCInferenceServiceStub(self._grpc)

    @cached_property
    def _infer(self) -> Any:
        # Without a serialiser: `protocol` writes the bytes.
        return self._grpc.unary_unary(
            INFER, response_deserializer=service_pb2.ModelInferResponse.FromString
        )

    async def ask(self, method: str, request: Any, seconds: float) -> Any:
        """The answer of a method of GRPCInferenceService.

        Raises:
            Refusal: there was none.
        """
        call = getattr(self._stub, method)
        try:
            return await call(
                request,
                timeout=max(seconds, SHORTEST_CALL_SECONDS),
                metadata=self._access.metadata,
            )
        except grpc.aio.AioRpcError as error:
            raise Refusal.of(error) from error

    async def infer(self, request: bytes, seconds: float, metadata: Mapping[str, str]) -> Any:
        """The ModelInferResponse, within ``seconds``; cancelling the caller cancels the call.

        Raises:
            Refusal: there was none.
        """
        sent = (*self._access.metadata, *metadata.items())
        try:
            return await self._infer(request, timeout=seconds, metadata=sent)
        except grpc.aio.AioRpcError as error:
            raise Refusal.of(error) from error

    async def close(self, grace_seconds: float | None = None) -> None:
        """Close the connection; calls under way may take ``grace_seconds`` to end."""
        await self._grpc.close(grace_seconds)
