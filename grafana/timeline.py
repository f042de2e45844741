"""The timeline of days. The days of the ledgers are a label, so the first scrape already has all of them."""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models.common import GraphDrawStyle, VisibilityMode
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property

from exporter.palette import ALLOCATED, OVER, SPENT
from grafana.panels import Words, ask, course
from grafana.theme import USD, colored
from grafana.transformations import at_once, step, value_fields

DAY: Final = "day"


def days(words: Words, allocated: str, spent: str) -> timeseries.Panel:
    """By the label ``day``: spend as bars, red where it is over budget, and the budget as an area whose line is in front."""
    beyond = f"{spent} > {allocated}"
    panel = _daily(words, {"Spent": f"{spent} unless ({beyond})", "Spent, over budget": beyond, "Budget": allocated})
    panel.override_by_name("Spent", [colored(SPENT)]).override_by_name("Spent, over budget", [colored(OVER)])
    area = {"drawStyle": GraphDrawStyle.LINE, "lineWidth": 2, "fillOpacity": 12}
    return panel.override_by_name(
        "Budget", [colored(ALLOCATED), *(Property(f"custom.{name}", value) for name, value in area.items())]
    )


def balance(words: Words, spent_beyond: str, left_over: str) -> timeseries.Panel:
    """By the label ``day``: overspend above 0 in red, and the unspent budget below 0 in green."""
    panel = _daily(words, {"Over budget": spent_beyond, "Under budget": left_over})
    return panel.override_by_name("Over budget", [colored(OVER)]).override_by_name("Under budget", [colored(ALLOCATED)])


def _daily(words: Words, expressions: Mapping[str, str]) -> timeseries.Panel:
    """Draw values by the label ``day`` on a time axis. A day is drawn at its midnight in the time zone of the browser."""
    panel = ask(course(words, USD), [at_once(expression) for expression in expressions.values()])
    names = dict(zip(value_fields(len(expressions)), expressions, strict=True))
    names["Value"] = next(iter(expressions))  # the name of the only query that finds something: there are no budgets
    dropped = {"Time": True} | {f"Time {number}": True for number in range(1, len(names))}
    as_time = {"targetField": DAY, "destinationType": "time", "dateFormat": "YYYY-MM-DD"}
    panel.transformations(
        [
            step("joinByField", byField=DAY, mode="outer"),
            step("sortBy", sort=[{"field": DAY}]),
            step("organize", excludeByName=dropped, renameByName=names),
            step("convertFieldType", conversions=[as_time]),  # last: Grafana may call a field of this type Time
        ]
    )
    return panel.draw_style(GraphDrawStyle.BARS).fill_opacity(80).line_width(0).show_points(VisibilityMode.NEVER)
