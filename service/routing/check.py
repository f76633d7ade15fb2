"""What a right routing file comes to, for people, and what in it may not be what was meant."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from contract import lines
from service.decision import Reason
from service.routing.file import decoded, read
from service.routing.parse import fault_at, parse
from service.routing.spec import AUTO, Route, Routes, Shadow, Target

Remark = tuple[lines.Path, str]
ALIKE = 0.8  # of two names, for one to be a slip of the other
COLUMNS = ("ROUTE", "TARGETS", "FALLBACK", "SHADOW")


def check(path: Path, repository: Path | None = None) -> tuple[list[str], list[str]]:
    """A summary of the routing file ``path``, and warnings; lines both.

    With ``repository``, a folder of models as Triton's, they tell what it does not have.

    Raises:
        RoutesError: the file would be refused.
    """
    file = str(path)
    text = decoded(read(path), file)
    routes = parse(text, file)
    remarks = [*_odd(routes), *(_missing(routes, repository) if repository else ())]
    places = lines.lines(text)
    faults = [fault_at(where, f"warning: {remark}", places) for where, remark in remarks]
    faults.sort(key=lambda fault: fault.line or 0)
    return [*_summary(routes), f"{file} is right"], [fault.told(file) for fault in faults]


def _odd(routes: Routes) -> Iterator[Remark]:
    for task, name in routes.defaults.items():
        close = difflib.get_close_matches(name, routes.routes, n=1, cutoff=ALIKE)
        if close and name not in routes.routes:
            yield ("defaults", task), f"there is no route {name!r}; did you mean {close[0]!r}?"
    for where, target in _targets(routes):
        if target.model in routes.routes and target.model != where[1]:
            yield where, f"{target.model!r} is a route too; here the model of that name is meant"
    for name, route in routes.routes.items():
        if route.fallback and not route.fallback_when:
            yield ("routes", name, "fallback_when"), "it is empty: no fallback ever takes over"
        if "fallback_when" in route.model_fields_set and not route.fallback:
            yield ("routes", name, "fallback_when"), "the route has no fallback"


def _missing(routes: Routes, repository: Path) -> Iterator[Remark]:
    """What Triton would not find."""
    defaults = [
        (("defaults", task), Target(model=name))
        for task, name in routes.defaults.items()
        if name not in routes.routes and name != AUTO
    ]
    for where, target in (*defaults, *_targets(routes)):
        folder = repository / target.model
        if not folder.is_dir():
            yield where, f"{repository} has no model {target.model!r}"
        elif target.version and not (folder / target.version).is_dir():
            yield where, f"{folder} has no version {target.version!r}"
        elif not any(one.name.isdigit() for one in folder.iterdir()):
            yield where, f"{folder} has no version"


def _targets(routes: Routes) -> Iterator[tuple[lines.Path, Target]]:
    """Each target, with where it stands."""
    for name, route in routes.routes.items():
        for one in route.to:
            yield ("routes", name, "to", str(one.target)), one.target
        for position, target in enumerate(route.fallback):
            yield ("routes", name, "fallback", position), target
        if route.shadow:
            yield ("routes", name, "shadow", "to"), route.shadow.to
    for task, group in routes.auto.items():
        for position, target in enumerate(group.models):
            yield ("auto", task, "models", position), target


def _summary(routes: Routes) -> Iterator[str]:
    rows = [(name, *_row(route)) for name, route in routes.routes.items()]
    if rows:
        yield from _table([COLUMNS, *rows])
        yield ""
    for task, name in routes.defaults.items():
        yield f"the default for {task} is {name}"
    for task, group in routes.auto.items():
        yield f"{AUTO} chooses for {task} among {_named(group.models)}"


def _row(route: Route) -> tuple[str, str, str]:
    total = sum(one.weight for one in route.to)
    targets = ", ".join(f"{one.target} {_percent(one.weight / total)}" for one in route.to)
    fallback = _named(route.fallback)
    if fallback and route.fallback_when != frozenset(Reason):
        fallback += f" (when {' or '.join(sorted(route.fallback_when)) or 'never'})"
    return targets, fallback or "-", _sees(route.shadow)


def _sees(shadow: Shadow | None) -> str:
    return f"{shadow.to} sees {_percent(shadow.share)}" if shadow else "-"


def _named(targets: Sequence[Target]) -> str:
    return ", ".join(map(str, targets))


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
