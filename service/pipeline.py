"""The request line, top to bottom: model, admission, deadline, body, prediction."""

from service.batch import BatchPredictor
from service.decision import Decision, Routing
from service.errors import InvalidParameter
from service.fallback import settle
from service.intake import Intake
from service.limiter import Limiters
from service.predicting import Predicting
from service.presence import Presence
from service.routing.router import Router
from service.slot import Batch
from service.trace import Stage, Trace
from service.values import Body, Deadline, Result, Upload, Uploads, Wish


class Pipeline:
    """Answers predictions, as many at once as ``limiters`` let in."""

    def __init__(
        self,
        timeout_seconds: float,
        router: Router,
        limiters: Limiters,
        intake: Intake,
        predicting: Predicting,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._router = router
        self._limiters = limiters
        self._intake = intake
        self._predicting = predicting
        self._batches = BatchPredictor(predicting)

    async def run(self, wish: Wish, body: Body, trace: Trace) -> Result | Batch:
        """One request; any GatewayError but those about parameters may come out.

        Raises:
            ClientDisconnect: the caller has gone, and the work for him has been stopped.
        """
        decision = self._router.decide(wish)
        trace.routing = Routing.of(decision)
        decision = settle(self._limiters, decision, trace)
        trace.model, trace.version = decision.choice.model, decision.choice.version
        longest = self._timeout_seconds
        deadline = Deadline.after(min(longest, wish.timeout_seconds or longest))
        with self._limiters.enter(decision.choice.model):  # refused before the body is read
            trace.enter(Stage.READ)
            async with self._intake.received(body, deadline) as uploads:
                with Presence(body.leaving):
                    return await self._answer(decision, wish, uploads, trace, deadline)

    async def _answer(
        self,
        decision: Decision,
        wish: Wish,
        uploads: Upload | Uploads,
        trace: Trace,
        deadline: Deadline,
    ) -> Result | Batch:
        if isinstance(uploads, Upload):
            return await self._predicting.predict(decision, wish, uploads, trace, deadline)
        if wish.render:
            raise InvalidParameter(
                f"a picture shows one image, and these are {len(uploads.items)}",
                field="render",
                remedy="ask for JSON, or send the images one by one",
            )
        return await self._batches.predict(decision, wish, uploads, trace, deadline)
