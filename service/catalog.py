"""The models that can be asked, learned from Triton and kept fresh."""

import asyncio
import logging
import math
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from contract.codec import decode
from contract.recipe import PARAMETER, Recipe, RecipeError, Task
from service.backend import InferenceBackend, Sample
from service.errors import (
    BackendUnavailable,
    GatewayError,
    InferenceFailed,
    ModelNotReady,
    UnknownModel,
)
from service.recipes import Given, RecipeFolder
from service.values import Model

log = logging.getLogger(__name__)


class Catalog:
    """What Triton said at the last look that it answered; kept when it stops answering.

    A model's own recipe, in its config.pbtxt, wins over one of ``recipes_dir``.
    """

    def __init__(
        self,
        backend: InferenceBackend,
        tasks: Collection[Task],
        recipes_dir: Path | None = None,
    ) -> None:
        self._backend = backend
        self._tasks = tasks
        self._recipes = RecipeFolder(recipes_dir)
        self.models: Mapping[str, Model] = {}
        self.learned = False  # whether Triton has answered at all
        self._seen_at = -math.inf
        self._answering = True
        self._looking = asyncio.Lock()

    def age_seconds(self) -> float:
        """Time since the last look that Triton answered; infinite where there was none."""
        return time.monotonic() - self._seen_at

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

    def samples(self) -> dict[str, Sample]:
        """A blank image for each model that can be asked, and the first of its outputs."""
        recipes = {model.name: model.recipe for model in self.servable()}
        return {name: _sample(recipe) for name, recipe in recipes.items() if recipe is not None}

    async def keep_fresh(self, every_seconds: float) -> None:
        """Look again and again, and have idle models watched, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._backend.keep_watch(self.samples))
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

    async def refresh(self, loaded: str = "") -> None:
        """Look once; a GatewayError leaves the catalogue as it was.

        The model that was ``loaded`` counts as changed, even where nothing that is seen of it did.

        One look at a time: what an earlier one saw never replaces what a later one did.
        """
        async with self._looking:
            await self._look(loaded)

    async def _look(self, loaded: str) -> None:
        await asyncio.to_thread(self._recipes.refresh)
        versions: dict[str, list[str]] = defaultdict(list)
        for entry in await self._backend.index():
            versions[entry.name] += [entry.version] if entry.ready else []
        models = await asyncio.gather(
            *(self._describe(name, sorted(versions[name], key=int)) for name in sorted(versions))
        )
        fresh = {
            model.name: model if model.name == loaded else self._as_known(model) for model in models
        }
        if fresh != self.models or not self.learned:
            names = {model.name: model.reason or model.versions for model in models}
            log.info("models changed", extra={"models": names})
        self.models, self.learned = fresh, True
        self._seen_at = time.monotonic()

    def _as_known(self, model: Model) -> Model:
        """The same object as long as nothing changes: whoever holds one can tell."""
        known = self.models.get(model.name)
        return model if known is None or known != model else known

    async def _describe(self, name: str, versions: list[str]) -> Model:
        if not versions:
            return Model(name=name, reason="no version of it is loaded")
        ready = tuple(versions)
        try:
            parameters = await self._backend.parameters(name)
        except (ModelNotReady, InferenceFailed):  # unloaded between the two questions
            return Model(name=name, reason="its configuration could not be read")
        recipe, reason, warning = _recipe(parameters.get(PARAMETER), self._recipes.of(name))
        if recipe is not None and recipe.task not in self._tasks:
            reason = f"{recipe.task} is not served here"
        return Model(name=name, versions=ready, recipe=recipe, reason=reason, warning=warning)


def _recipe(own: str | None, given: Given | None) -> tuple[Recipe | None, str, str]:
    """The recipe of a model, why there is none, and what else is wrong."""
    if own is None:
        if given is None:
            return None, f"its config.pbtxt has no parameter {PARAMETER}", ""
        if given.recipe is None:
            return None, f"its recipe is wrong: {given.fault}", ""
        return given.recipe, "", given.fault
    unused = "" if given is None else "it carries a recipe; its file of the recipes is not used"
    try:
        return decode(own), "", unused
    except RecipeError as error:
        return None, f"its recipe is wrong: {error}", ""


def _sample(recipe: Recipe) -> Sample:
    spec = recipe.input
    dtype = np.uint8 if spec.normalisation is None else np.float32
    return Sample({spec.name: np.zeros((1, *spec.shape), dtype)}, (recipe.outputs[0].name,))
