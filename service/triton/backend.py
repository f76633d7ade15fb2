"""An InferenceBackend over one Triton or several."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from tritonclient.grpc import service_pb2

from service.backend import IndexEntry, Sample, Subject
from service.errors import BackendUnavailable, DeadlineExceeded, GatewayError, UnknownModel
from service.settings import Settings
from service.tensors import TensorAnswer, TensorRequest
from service.trace import Stage
from service.triton.balancer import Balancer
from service.triton.breaker import State
from service.triton.budget import RetryBudget
from service.triton.canary import Canary
from service.triton.channel import SHORTEST_CALL_SECONDS, Access
from service.triton.descriptions import SPREAD, question, told
from service.triton.endpoint import Endpoint, Health
from service.triton.fleet import Fleet
from service.triton.protocol import Message, Request, decode
from service.triton.retries import Retries
from service.triton.tensors import TensorMessage, tensors
from service.triton.translate import Refusal, translate, translate_load, translate_tensors
from service.triton.watcher import Unwatched, Watcher
from service.values import Deadline, Outputs

BEST_FIRST = (Health.UP, Health.UNKNOWN, Health.DOWN, Health.SILENT, Health.GONE)


class TritonBackend:
    """An InferenceBackend; belongs to the event loop that first uses it."""

    def __init__(self, settings: Settings, watcher: Watcher | None = None) -> None:
        watcher = watcher or Unwatched()
        self._fleet = Fleet(settings.triton_url, Access.of(settings), watcher)
        self._endpoints = self._fleet.endpoints
        self._balancer = Balancer(self._endpoints)
        self._retries = Retries(self._balancer, RetryBudget(), watcher)
        self._canary = Canary(self._endpoints, settings.canary_seconds, settings.timeout_seconds)

    async def alive(self) -> None:
        """Return if a server answers; that it is still loading models does not matter."""
        await _first(self._everybody(), "ServerLive", service_pb2.ServerLiveRequest())

    async def model_ready(self, name: str, version: str = "") -> bool:
        """Whether a server would run ``name`` now; not if all that it ever does is fail."""
        request = service_pb2.ModelReadyRequest(name=name, version=version)
        refusals = []
        for endpoint in _best_first(self._endpoints):
            if endpoint.breaker(name).state in (State.OPEN, State.HALF_OPEN):
                continue
            try:
                if (await endpoint.ask("ModelReady", request)).ready:
                    return True
            except Refusal as refusal:
                refusals.append(refusal)
        if refusals and len(refusals) == len(self._endpoints):
            raise translate(refusals[0]) from refusals[0]
        return False

    async def index(self) -> Sequence[IndexEntry]:
        """What the servers hold between them; ready is what one that answers has ready."""
        await self._fleet.refresh()
        looks = [endpoint.look() for endpoint in self._everybody()]
        answers = await asyncio.gather(*looks, return_exceptions=True)
        refusals = _refusals(answers)
        if len(refusals) == len(answers):
            raise translate(refusals[0]) from refusals[0]
        ready: dict[tuple[str, str], bool] = {}
        for endpoint in self._endpoints:
            for entry in endpoint.index or ():
                key = entry.name, entry.version
                ready[key] = ready.get(key, False) or (entry.ready and endpoint.may_be_asked())
        return tuple(IndexEntry(*key, is_ready) for key, is_ready in ready.items())

    async def parameters(self, name: str) -> Mapping[str, str]:
        """`parameters` of the model's config.pbtxt, on the first server that has it ready."""
        request = service_pb2.ModelConfigRequest(name=name)
        answer = await _first(self._that_serve(name), "ModelConfig", request)
        return {key: item.string_value for key, item in answer.config.parameters.items()}

    async def infer(  # noqa: PLR0913 - these are the parts of a request
        self,
        model: str,
        version: str,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
        deadline: Deadline,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> Outputs:
        """A ModelInfer call that ends with ``deadline``, and further ones where it may succeed."""
        request = Request(model, version, inputs, outputs)
        return decode(await self._infer(model, version, request, deadline, metadata or {}))

    async def infer_tensors(
        self,
        model: str,
        version: str,
        request: TensorRequest,
        deadline: Deadline,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> TensorAnswer:
        """The same for tensors of the caller's own."""
        message = TensorMessage(model, version, request)
        answer = await self._infer(
            model, version, message, deadline, metadata or {}, translate=translate_tensors
        )
        return tensors(answer)

    async def _infer(  # noqa: PLR0913 - as above
        self,
        model: str,
        version: str,
        request: Message,
        deadline: Deadline,
        metadata: Mapping[str, str],
        *,
        translate: Callable[[Refusal], GatewayError] = translate,
    ) -> Any:
        """The ModelInferResponse."""
        self._retries.expect()
        tried = [self._balancer.choose(model, version)]
        while True:
            seconds = deadline.remaining_seconds()
            if seconds < SHORTEST_CALL_SECONDS:
                raise DeadlineExceeded(Stage.INFER)
            try:
                return await tried[-1].infer(model, request, seconds, metadata)
            except Refusal as refusal:
                next_one = self._retries.again(refusal.fault, model, version, tried)
                if next_one is None:
                    raise translate(refusal) from refusal
                tried.append(next_one)

    async def describe(self, subject: Subject, model: str = "", version: str = "") -> Any:
        """As JSON of Triton's HTTP endpoint; what servers have in parts is put together."""
        method, request = question(subject, model, version)
        serving = self._that_serve(model, version)
        if subject in SPREAD:
            answers = await _all(serving, method, request)
        else:
            answers = [await _first(serving, method, request)]
        return told(subject, answers)

    async def load(self, name: str, deadline: Deadline) -> None:
        """RepositoryModelLoad on every server that is well; those without the model are left out.

        It ends when the new one answers and the old one does not.
        """
        request = service_pb2.RepositoryModelLoadRequest(model_name=name)
        well = [one for one in self._endpoints if one.may_be_asked()] or self._everybody()
        await _change(well, "RepositoryModelLoad", name, request, deadline)

    async def unload(self, name: str, deadline: Deadline) -> None:
        """RepositoryModelUnload on every server that has the model ready."""
        request = service_pb2.RepositoryModelUnloadRequest(model_name=name)
        serving = self._that_serve(name)
        await _change(serving, "RepositoryModelUnload", name, request, deadline)

    async def keep_watch(self, samples: Callable[[], Mapping[str, Sample]]) -> None:
        """Try the models that nobody asks, until cancelled."""
        await self._canary.run(samples)

    async def close(self) -> None:
        """Close the channels."""
        await self._fleet.close()

    def _that_serve(self, model: str, version: str = "") -> list[Endpoint]:
        """Those that have ``model`` ready; all, where it is "" or none has."""
        serving = [one for one in self._endpoints if model and one.serves(model, version)]
        return serving or self._everybody()

    def _everybody(self) -> list[Endpoint]:
        if not self._endpoints:
            raise BackendUnavailable("the inference server's name has no address")
        return self._endpoints


def _best_first(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    return sorted(endpoints, key=lambda one: BEST_FIRST.index(one.health))


def _refusals(answers: Iterable[Any]) -> list[Refusal]:
    """The refusals among what `gather` returned; any other exception is raised."""
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Refusal):
            raise answer
    return [answer for answer in answers if isinstance(answer, Refusal)]


async def _first(endpoints: Sequence[Endpoint], method: str, request: Any) -> Any:
    """The first answer to a question, asked of one server after the other."""
    refusals = []
    for endpoint in _best_first(endpoints):
        try:
            return await endpoint.ask(method, request)
        except Refusal as refusal:
            refusals.append(refusal)
    raise translate(refusals[0]) from refusals[0]


async def _all(endpoints: Sequence[Endpoint], method: str, request: Any) -> list[Any]:
    """The answers to a question of those that answer it; one at least."""
    asked = [endpoint.ask(method, request) for endpoint in endpoints]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refusals = _refusals(answers)
    if len(refusals) == len(answers):
        raise translate(refusals[0]) from refusals[0]
    return [answer for answer in answers if not isinstance(answer, BaseException)]


async def _change(
    endpoints: Sequence[Endpoint], method: str, name: str, request: Any, deadline: Deadline
) -> None:
    """Load or unload on all of ``endpoints`` at once; one without such a model does not matter."""
    seconds = deadline.remaining_seconds()
    changes = [endpoint.change(method, name, request, seconds) for endpoint in endpoints]
    refusals = _refusals(await asyncio.gather(*changes, return_exceptions=True))
    errors = [(translate_load(name, refusal), refusal) for refusal in refusals]
    known = [pair for pair in errors if not isinstance(pair[0], UnknownModel)]
    if known or len(errors) == len(endpoints):
        error, refusal = (known or errors)[0]
        raise error from refusal
