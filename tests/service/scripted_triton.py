"""A gRPC server that speaks Triton's protocol and says what a test tells it to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

from service.triton import TritonBackend


@dataclass
class Script(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Answers each call; or aborts every call with ``code`` and ``text``."""

    code: grpc.StatusCode | None = None
    text: str = ""
    delay_seconds: float = 0.0  # of inference and of loading
    recipe: str = "{}"
    requests: list[Any] = field(default_factory=list)
    inferring: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def _hear(self, request: Any, context: Any) -> None:
        self.requests.append(request)
        if self.code is not None:
            await context.abort(self.code, self.text)

    async def _linger(self) -> None:
        try:
            await asyncio.sleep(self.delay_seconds)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def ServerLive(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._hear(request, context)
        return service_pb2.ServerLiveResponse(live=True)

    async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._hear(request, context)
        return service_pb2.ModelReadyResponse(ready=request.name == "signs")

    async def RepositoryIndex(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._hear(request, context)
        answer = service_pb2.RepositoryIndexResponse()
        for name, version, state in (("signs", "1", "READY"), ("signs", "2", "LOADING")):
            answer.models.add(name=name, version=version, state=state)
        answer.models.add(name="never")
        return answer

    async def ModelConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._hear(request, context)
        answer = service_pb2.ModelConfigResponse()
        answer.config.parameters["fovea_recipe"].string_value = self.recipe
        return answer

    async def RepositoryModelLoad(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._hear(request, context)
        await self._linger()
        return service_pb2.RepositoryModelLoadResponse()

    async def RepositoryModelUnload(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._hear(request, context)
        return service_pb2.RepositoryModelUnloadResponse()

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._hear(request, context)
        self.inferring.set()
        await self._linger()
        answer = service_pb2.ModelInferResponse(model_name="signs", model_version="7")
        answer.outputs.add(name="OUTPUT__0", datatype="FP32", shape=[1, 2])
        answer.raw_output_contents.append(np.array([0.25, 0.75], np.float32).tobytes())
        return answer


@asynccontextmanager
async def listening(script: Script, port: int = 0) -> AsyncIterator[int]:
    """The port on which ``script`` is served until the block ends."""
    server = grpc.aio.server()
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(script, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


@asynccontextmanager
async def connected(script: Script) -> AsyncIterator[TritonBackend]:
    """A backend whose Triton is ``script``."""
    async with listening(script) as port:
        backend = TritonBackend(f"127.0.0.1:{port}")
        try:
            yield backend
        finally:
            await backend.close()
