"""The committed dashboards, parsed for the tests."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from exporter.sections import SECTIONS
from exporter.telemetry import Telemetry
from grafana.generate import FOLDER

BOARDS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}

DATA = {metric.name: {*metric.labels} for section in SECTIONS.values() for metric in section.METRICS}
OWN = {metric.name: {*metric.labels} for metric in Telemetry("", "").catalogue()}
COUNTERS = {metric.name for metric in Telemetry("", "").catalogue() if metric.type == "counter"} | {"process_cpu_seconds_total"}
HISTOGRAM = {f"resource_exporter_refresh_duration_seconds{end}": {"stage", "le"} for end in ("_bucket", "_sum", "_count")}
# Written by Prometheus or by the client library of the exporter.
OTHERS: dict[str, set[str]] = {
    "up": set(),
    "scrape_samples_scraped": set(),
    "scrape_duration_seconds": set(),
    "process_resident_memory_bytes": set(),
    "process_cpu_seconds_total": set(),
}
OF_ALERTS = {"alertname", "alertstate", "severity", "quest_id", "period", "provider", "ledger", "collector"}
ALERTS = dict.fromkeys(("ALERTS", "ALERTS_FOR_STATE"), OF_ALERTS)
CATALOGUE = DATA | OWN | HISTOGRAM | OTHERS | ALERTS

SELECTOR = re.compile(r"\b([a-zA-Z_]+)\{(.*?)\}")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"(.*?)"')


class Asked(NamedTuple):
    """One query of one panel."""

    board: str
    panel: str
    ref: str
    expression: str
    instant: bool
    legend: str

    def __str__(self) -> str:
        return f"{self.board}: {self.panel} ({self.ref})"


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels except the rows of sections."""
    return (panel for panel in board["panels"] if panel["type"] != "row")


def fields(panel: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The properties of all fields of a panel: of those without an override, then of each override."""
    defaults = panel["fieldConfig"]["defaults"]
    yield defaults
    for override in panel["fieldConfig"]["overrides"]:
        yield {each["id"]: each["value"] for each in override["properties"]}


def queries() -> list[Asked]:
    """Every query of every panel."""
    return [
        Asked(uid, panel["title"], target["refId"], target["expr"], target["instant"], target.get("legendFormat", ""))
        for uid, board in BOARDS.items()
        for panel in panels(board)
        for target in panel["targets"]
    ]


def variables(board: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The variables of a dashboard by name."""
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def variable_queries() -> list[tuple[str, str, str]]:
    """Dashboard, variable and query of every variable that queries Prometheus."""
    return [
        (uid, name, variable["query"]["query"])
        for uid, board in BOARDS.items()
        for name, variable in variables(board).items()
        if variable["type"] == "query"
    ]


def filled(expression: str, **chosen: str) -> str:
    """PromQL as Grafana sends it. Variables that are not chosen have their default, or are set to All."""
    given = {"__rate_interval": "1m", "__range": "24h", "window": "30d", "period": "month"}
    everything = dict.fromkeys(("job", "instance", "layer", "provider", "quest"), ".+")
    for name, value in (given | everything | chosen).items():
        expression = expression.replace(f"${name}", value)
    return expression


def asked(board: str, panel: str, ref: str = "A", **chosen: str) -> str:
    """The PromQL of one query of a panel, as Grafana sends it."""
    (found,) = (query for query in queries() if (query.board, query.panel, query.ref) == (board, panel, ref))
    return filled(found.expression, **chosen)
