"""Which of Triton's models a request means; unlike in `/predict` it needs no recipe."""

from collections.abc import Callable

from service.catalog import Catalog
from service.errors import BackendUnavailable, ModelNotReady, UnknownModel, UnknownVersion
from service.trace import Trace
from service.values import Model, Wish

LONGEST_NAME = 128  # characters that are repeated

# The names of a model and a version ("" for the newest) that answer a wish; the trace may be told
# what the choice rests on.
Choose = Callable[[Wish, Trace], tuple[str, str]]


def as_named(wish: Wish, _: Trace) -> tuple[str, str]:
    """The model that the wish names."""
    return wish.model or "", wish.version or ""


class Models:
    """What the catalogue holds, found by what ``choose`` makes of a wish."""

    def __init__(self, catalog: Catalog, choose: Choose = as_named) -> None:
        self._catalog = catalog
        self._choose = choose

    def find(self, wish: Wish, trace: Trace) -> tuple[Model, str]:
        """The model and the version, "" for the newest; ``trace`` gets to know them.

        Raises:
            BackendUnavailable: Triton has not yet told which models there are.
            UnknownModel, UnknownVersion, ModelNotReady
        """
        name, version = self._choose(wish, trace)
        if not self._catalog.learned:
            raise BackendUnavailable("the inference server has not answered yet")
        model = self._catalog.models.get(name)
        if model is None:
            ready = [one.name for one in self._catalog.models.values() if one.versions]
            detail = f"there is no model {name[:LONGEST_NAME]!r}"
            raise UnknownModel(detail, field="model", models=ready)
        trace.model = name
        if not model.versions:
            raise ModelNotReady(f"model {name!r}: {model.reason}")
        if version and version not in model.versions:
            raise UnknownVersion(
                f"model {name!r} has no version {version[:LONGEST_NAME]!r} ready",
                field="version",
                versions=list(model.versions),
            )
        trace.version = version
        return model, version
