"""Which server a request goes to."""

import math
from collections.abc import Collection, Sequence
from itertools import count

from service.errors import BackendUnavailable, ModelBroken, ModelNotReady
from service.triton.endpoint import Endpoint, Health


class Balancer:
    """The least loaded of those that can answer; of equals, the one that was chosen longest ago."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = endpoints
        self._choices = count(1)

    def choose(self, model: str, version: str, tried: Collection[Endpoint] = ()) -> Endpoint:
        """A server for one attempt at ``model``; one of ``tried`` only where there is no other.

        Raises:
            ModelNotReady: no server has it.
            BackendUnavailable: those that have it do not answer.
            ModelBroken: on those that answer it fails at every request.
        """
        candidates = _that_work(_that_answer(self._that_serve(model, version)), model)
        candidates = [one for one in candidates if one not in tried] or candidates
        chosen = min(candidates, key=lambda one: (one.in_flight, one.chosen_at))
        chosen.chosen_at = next(self._choices)
        return chosen

    def _that_serve(self, model: str, version: str) -> list[Endpoint]:
        if not self._endpoints:
            raise BackendUnavailable("no inference server is known yet")
        serving = [one for one in self._endpoints if one.serves(model, version)]
        if not serving:
            raise ModelNotReady("no inference server has this model ready")
        return serving


def _that_answer(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Those that are well; else those that are down, because one may be back since."""
    well = [one for one in endpoints if one.may_be_asked()]
    down = [one for one in endpoints if one.health is Health.DOWN]
    if not (well or down):
        raise BackendUnavailable("the inference server does not answer")
    return well or down


def _that_work(endpoints: list[Endpoint], model: str) -> list[Endpoint]:
    working = [one for one in endpoints if one.breaker(model).admits()]
    if not working:
        seconds = min(one.breaker(model).seconds_to_trial() for one in endpoints)
        raise ModelBroken(
            f"model {model!r} fails at every request; it is tried again by itself",
            retry_after_seconds=max(1, math.ceil(seconds)),
        )
    return working
