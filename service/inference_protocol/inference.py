"""One inference of the protocol, top to bottom: model, admission, body, check, Triton, answer."""

import time

from service.backend import InferenceBackend
from service.deadlines import within
from service.inference_protocol.answer import write
from service.inference_protocol.intake import INLINE_BYTES, Framing, TensorIntake
from service.inference_protocol.models import Models
from service.inference_protocol.request import Asked
from service.inference_protocol.signature import Signatures
from service.limiter import Limiter, Limiters
from service.pool import Pool
from service.presence import Presence
from service.tensors import TensorAnswer
from service.trace import Stage, Trace
from service.values import Body, Deadline, Model, Wish


class Inferences:
    """Passes tensors on to ``backend``, as many requests at once as ``limiters`` let in."""

    def __init__(  # noqa: PLR0913 - the parts of the line
        self,
        *,
        timeout_seconds: float,
        models: Models,
        limiters: Limiters,
        intake: TensorIntake,
        backend: InferenceBackend,
        pool: Pool,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._models = models
        self._limiters = limiters
        self._intake = intake
        self._backend = backend
        self._signatures = Signatures(backend)
        self._pool = pool

    async def run(
        self, wish: Wish, body: Body, framing: Framing, trace: Trace
    ) -> tuple[bytes, int]:
        """The body of the answer, and how many of its first bytes are JSON.

        Raises:
            GatewayError: of any kind but those about images and recipes.
            ClientDisconnect: the caller has gone, and the work for him has been stopped.
        """
        started = time.monotonic()
        model, version = self._models.find(wish, trace)
        longest = self._timeout_seconds
        deadline = Deadline(started + min(longest, wish.timeout_seconds or longest))
        with self._limiters.enter(model.name) as limiter:  # refused before the body is read
            trace.enter(Stage.READ)
            async with self._intake.received(body, framing, deadline) as asked:
                if asked.timeout_seconds is not None:
                    deadline = Deadline(min(deadline.at, started + asked.timeout_seconds))
                with Presence(body.leaving):
                    return await self._answer(
                        model, version, asked, trace, deadline, limiter=limiter
                    )

    async def _answer(  # noqa: PLR0913 - what an inference is made of
        self,
        model: Model,
        version: str,
        asked: Asked,
        trace: Trace,
        deadline: Deadline,
        *,
        limiter: Limiter,
    ) -> tuple[bytes, int]:
        request = asked.request
        await within(deadline, trace, self._signatures.check(model, version, request))
        trace.enter(Stage.QUEUE)
        async with limiter.admit(deadline):
            trace.enter(Stage.INFER)
            inferring = self._backend.infer_tensors(
                model.name, version, request, deadline, metadata=trace.context.metadata()
            )
            answer = await within(deadline, trace, inferring)
        trace.version = answer.version
        trace.enter(Stage.POSTPROCESS)
        written = await within(deadline, trace, self._written(answer, asked))
        trace.enter(None)
        return written

    async def _written(self, answer: TensorAnswer, asked: Asked) -> tuple[bytes, int]:
        wanted = asked.wants_binary
        in_json = sum(len(one.raw) for one in answer.outputs if not wanted(one.name))
        if in_json <= INLINE_BYTES:
            return write(answer, wanted)
        return await self._pool.run(write, answer, wanted)
