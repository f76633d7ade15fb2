"""A gRPC server that speaks Triton's protocol and says what a test tells it to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

from service.settings import Settings
from service.triton import TritonBackend
from service.triton.watcher import Watcher

INDEX = (("signs", "1", "READY"), ("signs", "2", "LOADING"), ("never", "", ""))


@dataclass
class Script(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Answers each call; or aborts every call with ``code`` and ``text``."""

    code: grpc.StatusCode | None = None
    text: str = ""
    infer_code: grpc.StatusCode | None = None  # the same for inferences alone
    fails_at: Callable[[bytes], bool] = lambda _: True  # with infer_code: which tensors
    delay_seconds: float = 0.0  # of inference and of loading
    silent: bool = False  # never answers a question about models
    index: tuple[tuple[str, str, str], ...] = INDEX
    recipe: str = "{}"
    requests: list[Any] = field(default_factory=list)
    inferences: list[Any] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)  # of the inferences
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
        ready = any(name == request.name and state == "READY" for name, _, state in self.index)
        return service_pb2.ModelReadyResponse(ready=ready)

    async def RepositoryIndex(self, request: Any, context: Any) -> Any:  # noqa: N802
        await self._hear(request, context)
        if self.silent:
            await asyncio.Event().wait()
        answer = service_pb2.RepositoryIndexResponse()
        for name, version, state in self.index:
            answer.models.add(name=name, version=version, state=state)
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
        self.inferences.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        await self._hear(request, context)
        self.inferring.set()
        await self._linger()
        if self.infer_code is not None and self.fails_at(request.raw_input_contents[0]):
            await context.abort(self.infer_code, self.text)
        answer = service_pb2.ModelInferResponse(model_name="signs", model_version="7")
        answer.outputs.add(name="OUTPUT__0", datatype="FP32", shape=[1, 2])
        answer.raw_output_contents.append(np.array([0.25, 0.75], np.float32).tobytes())
        return answer


@asynccontextmanager
async def listening(
    script: Script, port: int = 0, credentials: grpc.ServerCredentials | None = None
) -> AsyncIterator[int]:
    """The port on which ``script`` is served until the block ends."""
    server = grpc.aio.server()
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(script, server)
    address = f"127.0.0.1:{port}"
    if credentials is None:
        port = server.add_insecure_port(address)
    else:
        port = server.add_secure_port(address, credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


@asynccontextmanager
async def client(
    *ports: int, watcher: Watcher | None = None, **settings: Any
) -> AsyncIterator[TritonBackend]:
    """A backend whose Tritons listen on ``ports``."""
    url = ",".join(f"127.0.0.1:{port}" for port in ports)
    backend = TritonBackend(Settings(triton_url=url, **settings), watcher)
    try:
        yield backend
    finally:
        await backend.close()


@asynccontextmanager
async def connected(
    *scripts: Script, watcher: Watcher | None = None, **settings: Any
) -> AsyncIterator[TritonBackend]:
    """A backend whose Tritons are ``scripts``."""
    async with AsyncExitStack() as stack:
        ports = [await stack.enter_async_context(listening(script)) for script in scripts]
        yield await stack.enter_async_context(client(*ports, watcher=watcher, **settings))
