"""Triton itself, pixels ready: the floor under any gateway."""

from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from benchmarks.alternatives.image import pixels
from benchmarks.load.samples import NO_ANSWER, OK

REFUSAL = 503  # what UNAVAILABLE, a full queue, would be over HTTP


class TritonCaller:
    """Any number of callers on one gRPC channel, as gateways keep it."""

    def __init__(self, port: int, model: str, jpeg: bytes, patience_seconds: float) -> None:
        self._client = InferenceServerClient(f"127.0.0.1:{port}")
        self._model = model
        self._patience_seconds = patience_seconds
        image = pixels(jpeg)[None]
        self._tensor = InferInput("INPUT__0", image.shape, "UINT8").set_data_from_numpy(image)

    async def ask(self) -> int:
        """The status as HTTP would have it, or NO_ANSWER."""
        try:
            await self._client.infer(
                self._model, [self._tensor], client_timeout=self._patience_seconds
            )
        except InferenceServerException as error:
            return REFUSAL if error.status() == "StatusCode.UNAVAILABLE" else NO_ANSWER
        return OK

    async def close(self) -> None:
        """Close the channel."""
        await self._client.close()
