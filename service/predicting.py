"""The one shape of whatever predicts: the predictor, and the layers that stand before it."""

from typing import Protocol

from service.decision import Decision
from service.trace import Trace
from service.values import Deadline, Result, Upload, Wish


class Predicting(Protocol):
    """Answers one image; the layers are fallback, mirror and cache, from the inside out."""

    async def predict(  # noqa: PLR0913 - what a prediction is made of
        self,
        decision: Decision,
        wish: Wish,
        upload: Upload,
        trace: Trace,
        deadline: Deadline,
        *,
        patient: bool = False,
    ) -> Result:
        """The prediction for one image; its stages follow each other in ``trace``.

        Whoever is ``patient`` waits for a place as long as it takes.

        Raises:
            GatewayError: of any kind but those about parameters.
        """
        ...
