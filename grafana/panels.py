"""The kinds of panels of the dashboards. Every panel has a description that says what it means and what to do about it."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import NamedTuple, TypeVar

from grafana_foundation_sdk.builders import bargauge, piechart, stat, table, timeseries
from grafana_foundation_sdk.builders.common import (
    GraphThresholdsStyleConfig,
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTextDisplayOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import piechart as pie
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property
from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMappingResult

from grafana.theme import BUDGET_USED, COUNT, NEUTRAL, REST, SHARE, USD, Steps, by_threshold, colored, fixed, thresholds, unit
from grafana.variables import DATASOURCE

Panel = bargauge.Panel | piechart.Panel | stat.Panel | table.Panel | timeseries.Panel
P = TypeVar("P", bargauge.Panel, piechart.Panel, stat.Panel, table.Panel, timeseries.Panel)


UNKNOWN = "–"
"""In the place of a value that is absent."""
RECENT = "24h"
"""The time range of panels that need a close view, independent of the dashboard's time range."""


class Words(NamedTuple):
    """The title of a panel, and its description: what it means and what to do about it."""

    title: str
    text: str


class Query(NamedTuple):
    """A PromQL expression and the legend of its series."""

    expression: str
    legend: str = ""


def outfit(panel: P, words: Words, unit: str, queries: Sequence[Dataquery]) -> P:
    """Set the properties that every panel has."""
    panel.title(words.title).description(words.text).unit(unit).datasource(DATASOURCE).no_value(UNKNOWN)
    return ask(panel, queries)


def ask(panel: P, queries: Sequence[Dataquery]) -> P:
    """Add queries to a panel, named A, B and so on."""
    for letter, query in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(query.ref_id(letter).datasource(DATASOURCE))
    return panel


def number(words: Words, unit: str, *queries: Query, color: str | Steps = NEUTRAL, decimals: int | None = None) -> stat.Panel:
    """The current value: one number, or several with names."""
    panel = outfit(stat.Panel(), words, unit, [_now(query) for query in queries])
    panel.reduce_options(_LATEST).graph_mode(common.BigValueGraphMode.NONE).orientation(common.VizOrientation.AUTO)
    named = len(queries) > 1 or "{{" in queries[0].legend
    panel.text_mode(common.BigValueTextMode.VALUE_AND_NAME if named else common.BigValueTextMode.VALUE)
    panel.justify_mode(common.BigValueJustifyMode.CENTER)
    if decimals is not None:
        panel.decimals(decimals)
    if isinstance(color, str):
        return panel.color_scheme(fixed(color))
    return panel.color_scheme(by_threshold()).thresholds(thresholds(color))


def states(words: Words, query: Query) -> stat.Panel:
    """The state ok (1) or failing (0) of each series of the query."""
    return number(words, COUNT, query).mappings([texts({1: ("ok", "green"), 0: ("failing", "red")})])


def texts(by_value: Mapping[int, tuple[str, str]]) -> ValueMap:
    """The text and the colour that are shown in the place of each value."""
    return ValueMap(
        options={str(value): ValueMappingResult(text=text, color=color) for value, (text, color) in by_value.items()}
    )


def of_budget(words: Words, part: str, usd: Query) -> stat.Panel:
    """A share of a budget, in the colour of its threshold, and the same in USD, for which the thresholds do not hold."""
    panel = number(words, SHARE, Query(part, "of budget"), usd, color=BUDGET_USED)
    return panel.override_by_name(usd.legend, [unit(USD), colored(NEUTRAL)])


def names(words: Words, query: Query) -> stat.Panel:
    """The names of the series of the query, without their values."""
    return number(words, COUNT, query).text_mode(common.BigValueTextMode.NAME)


def donut(words: Words, unit: str, *queries: Query) -> piechart.Panel:
    """Shares of a total, with names, amounts and percentages."""
    panel = outfit(piechart.Panel(), words, unit, [_now(query) for query in queries])
    values = [pie.PieChartLegendValues.VALUE, pie.PieChartLegendValues.PERCENT]
    legend = piechart.PieChartLegendOptions().values(values).show_legend(show_legend=True)
    legend.display_mode(common.LegendDisplayMode.TABLE).placement(common.LegendPlacement.RIGHT)
    return panel.pie_type(pie.PieChartType.DONUT).reduce_options(_LATEST).legend(legend).tooltip(_TOOLTIP)


def bars(words: Words, unit: str, query: Query, color: str | Steps = NEUTRAL) -> bargauge.Panel:
    """A bar for each series, in the order of the query."""
    panel = outfit(bargauge.Panel(), words, unit, [_now(query)]).reduce_options(_LATEST).min(0)
    panel.orientation(common.VizOrientation.HORIZONTAL).display_mode(common.BarGaugeDisplayMode.BASIC)
    panel.text(VizTextDisplayOptions().value_size(16))  # with few bars the default text is too large
    if isinstance(color, str):
        return panel.color_scheme(fixed(color))
    return panel.max(1).color_scheme(by_threshold()).thresholds(thresholds(color))


def course(words: Words, unit: str, *queries: Query, stacked: bool = False) -> timeseries.Panel:
    """A graph over the time range."""
    series = [Dataquery().range().expr(query.expression).legend_format(query.legend) for query in queries]
    panel = outfit(timeseries.Panel(), words, unit, series).tooltip(_TOOLTIP).legend(_LEGEND).axis_soft_min(0)
    panel.show_points(common.VisibilityMode.AUTO).line_width(1).fill_opacity(60 if stacked else 10)
    if stacked:
        panel.stacking(StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    return panel


def paint(panel: P, colors: Mapping[str, str]) -> P:
    """Set the colours of the series with these names; all others are grey."""
    panel.color_scheme(fixed(REST))
    for name, color in colors.items():
        panel.override_by_name(name, [colored(color)])
    return panel


def linked(panel: P, title: str, url: str) -> P:
    """Add a link to every value."""
    return panel.override_by_regexp("/.*/", [Property(id_val="links", value=[{"title": title, "url": url}])])


def marked(panel: timeseries.Panel, steps: Steps) -> timeseries.Panel:
    """Draw lines at the thresholds."""
    style = GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(thresholds(steps)).thresholds_style(style)


def _now(query: Query) -> Dataquery:
    return Dataquery().instant().expr(query.expression).legend_format(query.legend)


_LATEST = ReduceDataOptions().calcs(["lastNotNull"]).values(values=False).fields("")
_TOOLTIP = VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
_LEGEND = (
    VizLegendOptions()
    .display_mode(common.LegendDisplayMode.LIST)
    .placement(common.LegendPlacement.BOTTOM)
    .show_legend(show_legend=True)
    .calcs([])
)
