"""The models that can be asked, learned from Triton and kept fresh."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping

from contract.codec import decode
from contract.recipe import PARAMETER, RecipeError, Task
from service.backend import InferenceBackend
from service.errors import (
    BackendUnavailable,
    GatewayError,
    InferenceFailed,
    ModelNotReady,
    UnknownModel,
)
from service.values import Model

log = logging.getLogger(__name__)


class Catalog:
    """What Triton said at the last look that it answered; kept when it stops answering."""

    def __init__(self, backend: InferenceBackend, tasks: Collection[Task]) -> None:
        self._backend = backend
        self._tasks = tasks
        self.models: Mapping[str, Model] = {}
        self.learned = False  # whether Triton has answered at all
        self._answering = True
        self._looking = asyncio.Lock()

    def servable(self) -> list[Model]:
        """The models that a prediction can be asked of, by name."""
        return [model for model in self.models.values() if model.servable]

    def named(self, name: str) -> Model:
        """The model ``name`` of the repository, whether or not it can be asked.

        Raises:
            BackendUnavailable: Triton has not yet told which models there are.
            UnknownModel: it has none of that name.
        """
        if not self.learned:
            raise BackendUnavailable("the inference server has not answered yet")
        if name not in self.models:
            raise UnknownModel(
                f"there is no model {name!r}", field="name", models=list(self.models)
            )
        return self.models[name]

    async def keep_fresh(self, every_seconds: float) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.try_refresh()
            await asyncio.sleep(every_seconds)

    async def try_refresh(self) -> None:
        """Look once; if Triton does not answer, say so in the log, once until it does."""
        try:
            await self.refresh()
        except GatewayError as error:
            if self._answering:
                cause = str(error.__cause__ or "")
                log.warning("models unknown or stale: %s", error.detail, extra={"cause": cause})
            self._answering = False
        except Exception:  # the loop must outlive whatever a server may answer
            log.exception("the models could not be read")
        else:
            self._answering = True

    async def refresh(self) -> None:
        """Look once; a GatewayError leaves the catalogue as it was.

        One look at a time: what an earlier one saw never replaces what a later one did.
        """
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        versions: dict[str, list[str]] = defaultdict(list)
        for entry in await self._backend.index():
            versions[entry.name] += [entry.version] if entry.ready else []
        models = await asyncio.gather(
            *(self._describe(name, sorted(versions[name], key=int)) for name in sorted(versions))
        )
        fresh = {model.name: model for model in models}
        if fresh != self.models or not self.learned:
            names = {model.name: model.reason or model.versions for model in models}
            log.info("models changed", extra={"models": names})
        self.models, self.learned = fresh, True

    async def _describe(self, name: str, versions: list[str]) -> Model:
        if not versions:
            return Model(name=name, reason="no version of it is loaded")
        ready = tuple(versions)
        try:
            parameters = await self._backend.parameters(name)
        except (ModelNotReady, InferenceFailed):  # unloaded between the two questions
            return Model(name=name, reason="its configuration could not be read")
        if PARAMETER not in parameters:
            reason = f"its config.pbtxt has no parameter {PARAMETER}"
            return Model(name=name, versions=ready, reason=reason)
        try:
            recipe = decode(parameters[PARAMETER])
        except RecipeError as error:
            return Model(name=name, versions=ready, reason=f"its recipe is wrong: {error}")
        reason = "" if recipe.task in self._tasks else f"{recipe.task} is not served here"
        return Model(name=name, versions=ready, recipe=recipe, reason=reason)
