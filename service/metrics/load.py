"""How busy the gateway is, what it can serve, and which build it is."""

from collections.abc import Callable

from service.build import build
from service.catalog import Catalog
from service.instruments import Instruments
from service.limiter import Limiters


class LoadMetrics:
    """How busy the gateway is, what it can serve, and which build it is."""

    def __init__(self, make: Instruments) -> None:
        self.samplers: list[Callable[[], None]] = []
        self._present = make.gauge(
            "fovea_present", "Predictions that upload, wait or run", together="livesum"
        )()
        self._in_flight = make.gauge(
            "fovea_in_flight", "Predictions that run", "model", together="livesum"
        )
        self._limit = make.gauge(
            "fovea_in_flight_limit", "Predictions that may run at once", "model", together="livesum"
        )
        self._queued = make.gauge(
            "fovea_queued", "Predictions that wait for a model", "model", together="livesum"
        )
        self._shed = make.counter("fovea_shed_total", "Predictions refused: overload", "model")
        self._shed_before: dict[str, int] = {}
        self._models = make.gauge("fovea_models", "Models that can be asked")()
        self._catalog_age = make.gauge(
            "fovea_catalog_age_seconds", "Time since Triton last said which models it has"
        )()
        made = build()
        builds = make.gauge("fovea_build_info", "1 for what runs", "version python commit")
        builds(made.version, made.python, made.commit).set(1)

    def sample_limiters(self, limiters: Limiters) -> None:
        """Look at what is under way."""
        self._present.set(limiters.present)
        for model, limiter in limiters.by_model.items():
            self._in_flight(model).set(limiter.in_flight)
            self._limit(model).set(limiter.limit)
            self._queued(model).set(limiter.queued)
            self._shed(model).inc(limiter.shed - self._shed_before.get(model, 0))
            self._shed_before[model] = limiter.shed

    def sample_catalog(self, catalog: Catalog) -> None:
        """Look at what can be asked."""
        self._models.set(len(catalog.servable()))
        self._catalog_age.set(catalog.age_seconds())
