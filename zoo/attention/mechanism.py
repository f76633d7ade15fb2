"""What the table knows about a mechanism, and how a network gets its layers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any

from torch import nn

from zoo.places import Family, Insertion, Place


def _nothing(channels: int) -> Mapping[str, Any]:  # noqa: ARG001
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """One attention mechanism and where its authors put it.

    Attributes:
        layer: takes ``channels`` first and hyper-parameters by name.
        paper: who published it; None where there is nothing to publish.
        place: the published place, in every family but those of ``places``.
        places: the families for which it is another one.
        fixed: hyper-parameters that the name stands for, closed to others.
        fitted: hyper-parameters that a network adapts to the channels of each spot.
    """

    layer: type[nn.Module]
    paper: str | None
    place: Place
    places: Mapping[Family, Place] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    fitted: Callable[[int], Mapping[str, Any]] = _nothing

    @property
    def hyper_parameters(self) -> dict[str, Any]:
        """The hyper-parameters open to others, and their defaults."""
        return {
            parameter.name: parameter.default
            for parameter in signature(self.layer).parameters.values()
            if parameter.default is not Parameter.empty and parameter.name not in self.fixed
        }

    def place_in(self, family: Family) -> Place:
        """Where it goes by default."""
        return self.places.get(family, self.place)

    def build(self, channels: int, **hyper: Any) -> nn.Module:
        """One layer; ``fitted`` values give way to explicit ones.

        Raises:
            ValueError: a value that the layer refuses.
        """
        chosen = {**self.fitted(channels), **hyper, **self.fixed}
        return self.layer(channels, **chosen)

    def insertion(
        self, family: Family, place: str | None = None, hyper: Mapping[str, Any] | None = None
    ) -> Insertion:
        """What a backbone of ``family`` needs to put the mechanism in.

        Args:
            family: decides the place where none is given.
            place: a value of Place.
            hyper: hyper-parameters of the layer. A mapping from channels to values stands for a
                value that differs between spots, such as the kernel sizes of released ECA
                networks: ``{"kernel_size": {64: 3, 128: 5, 256: 7, 512: 7}}``.

        Raises:
            ValueError: there is no such place or hyper-parameter.
        """
        given = dict(hyper or {})
        self._refuse_unknown(given)
        spot = self.place_in(family) if place is None else self._other_place(place)

        def build(channels: int) -> nn.Module:
            return self.build(
                channels,
                **{name: _for_channels(name, value, channels) for name, value in given.items()},
            )

        return Insertion(spot, build)

    def _refuse_unknown(self, hyper: Mapping[str, Any]) -> None:
        known = self.hyper_parameters
        for name in hyper:
            if name not in known:
                choice = ", ".join(known) or "none at all"
                raise ValueError(
                    f"attention has no hyper-parameter {name!r}; {self.layer.__name__} takes "
                    f"{choice}"
                )

    def _other_place(self, place: str) -> Place:
        choices = [choice.value for choice in Place if choice is not Place.NOWHERE]
        if self.place is Place.NOWHERE:
            raise ValueError(f"place is {place!r}, but there is no attention to put there")
        if place not in choices:
            raise ValueError(f"place is {place!r}; choose one of {', '.join(choices)}")
        return Place(place)


def _for_channels(name: str, value: Any, channels: int) -> Any:
    if not isinstance(value, Mapping):
        return value
    if channels not in value:
        raise ValueError(
            f"{name} has values for {', '.join(map(str, value))} channels; "
            f"this network also needs one for {channels}"
        )
    return value[channels]
