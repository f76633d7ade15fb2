"""Made-up models, the catalogue that knows them, and a routing file in memory."""

from dataclasses import dataclass, field, replace
from typing import Any

from contract.recipe import Card, Figure, Task
from service.catalog import Catalog
from service.routing.spec import Routes
from service.values import Choice, Model
from tests.fakes import MAPS, FakeBackend, recipe
from tests.service import detector as detectors

LABELS = ("red_light", "straight", "left")


def card(accuracy: float | None, macs: int | None = 100, metric: str = "test_accuracy") -> Card:
    figures = {} if accuracy is None else {metric: Figure(value=accuracy, low=0, high=1)}
    return Card(
        architecture="x",
        attention="none",
        parameters=1,
        macs=macs,
        data="x",
        epochs=1,
        trained_on=None,
        weights_sha256="0" * 64,
        metrics=figures,
    )


def classifier(
    name: str,
    accuracy: float | None = 0.9,
    macs: int | None = 100,
    versions: tuple[str, ...] = ("1",),
    *,
    maps: bool = False,
    **changes: Any,
) -> Model:
    own = recipe(**({"labels": LABELS, "card": card(accuracy, macs)} | changes))
    if maps:
        own = recipe(labels=LABELS, card=card(accuracy, macs), outputs=(*own.outputs, MAPS))
    return Model(name=name, versions=versions, recipe=own)


def detector(name: str, precision: float | None = 0.6) -> Model:
    own = replace(detectors.recipe(), labels=LABELS, card=card(precision, metric="test_ap"))
    return Model(name=name, versions=("1",), recipe=own)


def away(name: str) -> Model:
    return Model(name=name, reason="no version of it is loaded")


def known(*models: Model) -> Catalog:
    """A catalogue that has learned of ``models``."""
    catalog = Catalog(FakeBackend(), set(Task))
    catalog.models, catalog.learned = {model.name: model for model in models}, True
    return catalog


def choice(model: Model) -> Choice:
    assert model.recipe is not None
    return Choice(model.name, "", model.recipe)


@dataclass
class File:
    """What the gateway's RoutesFile is, without the file."""

    current: Routes = field(default_factory=Routes)


def file(**content: Any) -> File:
    return File(Routes.model_validate(content))


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Measured:
    """Latencies that are what they are said to be, in seconds; others are cold."""

    seconds: dict[str, float] = field(default_factory=dict)

    def p95(self, model: str) -> float | None:
        return self.seconds.get(model)
