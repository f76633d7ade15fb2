"""Many images of one request: each goes its own way, and Triton batches those that meet there."""

import asyncio

from service.decision import Decision
from service.errors import GatewayError
from service.predicting import Predicting
from service.slot import Batch, Slot
from service.trace import Stage, Trace
from service.values import Deadline, Result, Upload, Uploads, Wish

AT_ONCE = 16  # images of one request under way; the others wait


class BatchPredictor:
    """An image that fails is an error in its own place, not a failed request."""

    def __init__(self, predicting: Predicting) -> None:
        self._predicting = predicting

    async def predict(
        self,
        decision: Decision,
        wish: Wish,
        uploads: Uploads,
        trace: Trace,
        deadline: Deadline,
    ) -> Batch:
        """A slot for each image; those that are not done by ``deadline`` say so."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def predicted(upload: Upload, own: Trace) -> Result | GatewayError:
            try:
                own.enter(Stage.QUEUE)
                async with turns:
                    return await self._predicting.predict(
                        decision, wish, upload, own, deadline, patient=True
                    )
            except GatewayError as error:
                return error

        async def slot(item: Upload | Exception) -> Slot:
            own = trace.begin_image()
            if isinstance(item, Exception):
                outcome: Result | GatewayError = _refusal(item)
            else:
                outcome = await predicted(item, own)
            own.enter(None)
            if isinstance(outcome, GatewayError):
                outcome.record(own)
            return Slot("" if isinstance(item, Exception) else item.name, outcome, own)

        trace.enter(None)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(slot(item)) for item in uploads.items]
        batch = Batch(tuple(task.result() for task in tasks))
        _sum_up(batch, trace)
        return batch


def _refusal(item: Exception) -> GatewayError:
    """Steps give GatewayErrors alone; another one is a fault of ours."""
    if isinstance(item, GatewayError):
        return item
    raise item


def _sum_up(batch: Batch, trace: Trace) -> None:
    """What is logged and counted of the request: a failure only where no image has an answer."""
    answered = [slot for slot in batch.slots if isinstance(slot.outcome, Result)]
    if answered:
        trace.model, trace.version = answered[0].trace.model, answered[0].trace.version
    elif isinstance(first := batch.slots[0].outcome, GatewayError):
        trace.outcome = first.outcome
        trace.cause = str(first.__cause__ or first)
