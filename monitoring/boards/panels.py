"""What a dashboard is made of, and Grafana's JSON of it (schema version 41, Grafana 11.6)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["timeseries", "stat", "state-timeline", "table"]

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24  # of Grafana's grid
SCHEMA = 41
RUNBOOKS = "docs/runbooks.md"


@dataclass(frozen=True)
class Query:
    """PromQL, and how its series are called: Grafana's ``{{label}}`` is a label's value."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel, which is ``base`` in colour and from the value of each of ``steps`` on another.

    Width and height are in cells of Grafana's grid, 24 to a row.
    """

    title: str
    description: str
    queries: Sequence[Query]
    unit: str = "short"
    kind: Kind = "timeseries"
    width: int = 8
    height: int = 7
    stack: Literal["none", "normal", "percent"] = "none"
    base: str = "green"
    steps: Sequence[tuple[float, str]] = ()
    names: dict[str, tuple[str, str]] = field(default_factory=dict)  # value -> text, colour
    top: float | None = None  # of the axis


@dataclass(frozen=True)
class Row:
    """Panels under a heading, from left to right, as many to a line as fit."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Variable:
    """A choice at the top: the values that ``label`` has in ``series``."""

    name: str
    label: str
    series: str
    several: bool = True


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = ()

    def render(self) -> Json:
        """Grafana's JSON."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["fovea"],
            "schemaVersion": SCHEMA,
            "editable": False,
            "graphTooltip": 1,  # the crosshair is on all panels
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "timezone": "browser",
            "links": [_LINK],
            "annotations": {"list": [_ALERTS]},
            "templating": {"list": [_DATASOURCE, *map(_variable, self.variables)]},
            "panels": list(_panels(self.rows)),
        }


_LINK: Json = {
    "title": "Fovea", "type": "dashboards", "tags": ["fovea"], "asDropdown": True,
    "includeVars": True, "keepTime": True, "targetBlank": False, "icon": "external link",
    "url": "", "tooltip": f"the other dashboards; what to do about alerts: {RUNBOOKS}",
}  # fmt: skip
_ALERTS: Json = {
    "name": "Alerts", "datasource": SOURCE, "enable": True, "iconColor": "red",
    "expr": 'ALERTS{alertstate="firing", severity=~"page|ticket"}', "step": "60s",
    "titleFormat": "{{alertname}}", "textFormat": "{{model}} {{endpoint}} {{instance}}",
}  # fmt: skip
_DATASOURCE: Json = {
    "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
    "current": {"text": "Prometheus", "value": "prometheus"}, "hide": 0, "refresh": 1, "regex": "",
    "includeAll": False, "multi": False, "options": [],
}  # fmt: skip


def _variable(variable: Variable) -> Json:
    query = f"label_values({variable.series}, {variable.label})"
    every = {"includeAll": True, "allValue": ".*", "multi": True}
    current = {"text": "All", "value": "$__all"} if variable.several else {}
    return {
        "name": variable.name,
        "label": variable.name.capitalize(),
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "values"},
        "current": current,
        "refresh": 2,  # when the time range changes
        "sort": 1,
        "hide": 0,
        "regex": "",
        "options": [],
        **(every if variable.several else {"includeAll": False, "multi": False}),
    }


def _panels(rows: Sequence[Row]) -> Iterator[Json]:
    number, top = 1, 0
    for row in rows:
        yield {
            "id": number, "type": "row", "title": row.title, "collapsed": False, "panels": [],
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
        }  # fmt: skip
        number, top, left, tallest = number + 1, top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            yield _panel(panel, number, left, top)
            number, left, tallest = number + 1, left + panel.width, max(tallest, panel.height)
        top += tallest


def _panel(panel: Panel, number: int, left: int, top: int) -> Json:
    instant = panel.kind in ("stat", "table")
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": {"h": panel.height, "w": panel.width, "x": left, "y": top},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "editorMode": "code",
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                "instant": instant,
                "range": not instant,
                "format": "table" if panel.kind == "table" else "time_series",
            }
            for index, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
        **({"transformations": [_NO_TIME]} if panel.kind == "table" else {}),
    }


def _defaults(panel: Panel) -> Json:
    defaults: Json = {"unit": panel.unit, "mappings": _mappings(panel.names)}
    steps: list[Json] = [{"color": panel.base, "value": None}]
    steps += [{"color": colour, "value": value} for value, colour in panel.steps]
    defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.kind == "timeseries":
        defaults["min"] = 0
        defaults["color"] = {"mode": "palette-classic"}
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 0 if panel.stack == "none" else 40,
            "stacking": {"mode": panel.stack, "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
            "showPoints": "never",
            "spanNulls": False,
        }
    elif panel.kind in ("stat", "state-timeline"):
        defaults["color"] = {"mode": "thresholds"}
    if panel.top is not None:
        defaults["max"] = panel.top
    return defaults


def _mappings(names: dict[str, tuple[str, str]]) -> list[Json]:
    if not names:
        return []
    texts = {
        value: {"text": text, "color": colour, "index": index}
        for index, (value, (text, colour)) in enumerate(names.items())
    }
    return [{"type": "value", "options": texts}]


_OPTIONS: dict[Kind, Json] = {
    "timeseries": {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "background", "graphMode": "none", "justifyMode": "auto",
        "orientation": "auto", "textMode": "auto", "wideLayout": True,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
    "state-timeline": {
        "mergeValues": True, "showValue": "never", "alignValue": "left", "rowHeight": 0.8,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    },
    "table": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}},
}  # fmt: skip
_NO_TIME: Json = {
    "id": "organize",
    "options": {"excludeByName": {"Time": True}, "indexByName": {}},
}
