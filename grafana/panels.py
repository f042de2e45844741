"""The kinds of panels. Each says in its description what it means and what to do, and why it is empty when it is."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import NamedTuple, TypeVar

from grafana_foundation_sdk.builders import piechart, stat, table, timeseries
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
from grafana_foundation_sdk.models.dashboard import DashboardSpecialValueMapOptions as SpecialOptions
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property
from grafana_foundation_sdk.models.dashboard import SpecialValueMap, SpecialValueMatch, ValueMap, ValueMappingResult

from exporter.palette import ALLOCATED, OVER, QUESTS, REST
from grafana.theme import COUNT, DECIMALS, NAME, TEXT, USD, Steps, by_threshold, colored, fixed, thresholds
from grafana.transformations import at_once
from grafana.variables import DATASOURCE

Panel = piechart.Panel | stat.Panel | table.Panel | timeseries.Panel
P = TypeVar("P", piechart.Panel, stat.Panel, table.Panel, timeseries.Panel)


UNKNOWN = "–"
"""In the place of a value that is absent, in a row of a table."""
SMALL = VizTextDisplayOptions().value_size(18)
"""The size of words. Grafana makes a number, and words without a size, as large as their tile allows."""
OTHER = "Other"
"""The name of all that is not shown by itself."""


class Words(NamedTuple):
    """The title of a panel, its description (what it means, what to do), and what it says when there are no data (why)."""

    title: str
    text: str
    absent: str


class Query(NamedTuple):
    """A PromQL expression and the legend of its series."""

    expression: str
    legend: str = ""


def outfit(panel: P, words: Words, unit: str, queries: Sequence[Dataquery]) -> P:
    """Set the properties that every panel has."""
    panel.title(words.title).description(words.text).unit(unit).datasource(DATASOURCE).no_value(words.absent)
    if unit in DECIMALS:
        panel.decimals(DECIMALS[unit])
    return ask(panel, queries)


def ask(panel: P, queries: Sequence[Dataquery]) -> P:
    """Add queries to a panel, named A, B and so on."""
    for letter, query in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(query.ref_id(letter).datasource(DATASOURCE))
    return panel


def number(
    words: Words,
    unit: str,
    *queries: Query,
    color: str | Steps = TEXT,
    decimals: int | None = None,
    instead: ValueMap | None = None,
) -> stat.Panel:
    """The current value of the only query that finds one. ``instead`` has the texts of some values."""
    panel = outfit(stat.Panel(), words, unit, [_now(query) for query in queries])
    panel.reduce_options(_LATEST).graph_mode(common.BigValueGraphMode.NONE).justify_mode(common.BigValueJustifyMode.CENTER)
    panel.orientation(common.VizOrientation.AUTO).text_mode(common.BigValueTextMode.VALUE)
    panel.mappings([*([instead] if instead else ()), missing(words.absent)])
    if decimals is not None:
        panel.decimals(decimals)
    if isinstance(color, str):
        return panel.color_scheme(fixed(color))
    return panel.color_scheme(by_threshold()).thresholds(thresholds(color))


def states(words: Words, query: Query) -> stat.Panel:
    """The state ok (1) or failing (0) of each series of the query, with their names if the legend has any."""
    panel = number(words, COUNT, query, instead=texts({1: ("ok", ALLOCATED), 0: ("failing", OVER)}))
    panel.text(SMALL)
    return panel.text_mode(common.BigValueTextMode.VALUE_AND_NAME) if query.legend else panel


def names(words: Words, label: str, expression: str) -> stat.Panel:
    """The values of a label of the series."""
    panel = outfit(stat.Panel(), words, NAME, [at_once(expression)]).text_mode(common.BigValueTextMode.VALUE)
    panel.reduce_options(ReduceDataOptions().values(values=True).calcs(["lastNotNull"]).fields(f"/^{label}$/"))
    panel.graph_mode(common.BigValueGraphMode.NONE).justify_mode(common.BigValueJustifyMode.CENTER)
    return panel.text(SMALL).color_scheme(fixed(TEXT)).mappings([missing(words.absent, match=SpecialValueMatch.NULL)])


def texts(by_value: Mapping[int, tuple[str, str]]) -> ValueMap:
    """The text and the colour that are shown in the place of each value."""
    return ValueMap(
        options={str(value): ValueMappingResult(text=text, color=color) for value, (text, color) in by_value.items()}
    )


def missing(text: str, color: str = REST, match: SpecialValueMatch = SpecialValueMatch.NULL_AND_NAN) -> SpecialValueMap:
    """The text in the place of a value that is absent. Without it, Grafana colours the text as if it were a number."""
    return SpecialValueMap(options=SpecialOptions(match=match, result=ValueMappingResult(text=text, color=color)))


def donut(words: Words, unit: str, *queries: Query) -> piechart.Panel:
    """Shares of a total, with names, amounts and percentages."""
    panel = outfit(piechart.Panel(), words, unit, [_now(query) for query in queries])
    values = [pie.PieChartLegendValues.VALUE, pie.PieChartLegendValues.PERCENT]
    legend = piechart.PieChartLegendOptions().values(values).show_legend(show_legend=True)
    legend.display_mode(common.LegendDisplayMode.TABLE).placement(common.LegendPlacement.RIGHT)
    return panel.pie_type(pie.PieChartType.DONUT).reduce_options(_LATEST).legend(legend).tooltip(_TOOLTIP)


def course(words: Words, unit: str, *queries: Query, stacked: bool = False) -> timeseries.Panel:
    """A graph over the time range."""
    series = [Dataquery().range().expr(query.expression).legend_format(query.legend) for query in queries]
    panel = outfit(timeseries.Panel(), words, unit, series).tooltip(_TOOLTIP).legend(_LEGEND).axis_soft_min(0)
    panel.show_points(common.VisibilityMode.AUTO).line_width(1).fill_opacity(60 if stacked else 10)
    if stacked:
        panel.stacking(StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    return panel


def per_hour(words: Words, unit: str, query: Query, *, stacked: bool = True) -> timeseries.Panel:
    """A graph of what changed in the hour before each moment. Points closer to each other than minutes would only cost time."""
    return course(words, unit, query, stacked=stacked).max_data_points(300)


def paint(panel: P, colors: Mapping[str, str]) -> P:
    """Set the colours of the series with these names; all others are grey."""
    panel.color_scheme(fixed(REST))
    for name, color in colors.items():
        panel.override_by_name(name, [colored(color)])
    return panel


def paint_quests(panel: P) -> P:
    """Set the colours of series that are named after quests."""
    for pattern, color in QUESTS.items():
        panel.override_by_regexp(f"/{pattern}/", [colored(color)])
    return panel.override_by_name(OTHER, [colored(REST)])


def by_quest(words: Words, usd: str, whole: str) -> piechart.Panel:
    """The eight largest amounts of USD, and last all others together. ``usd`` is by quest, ``whole`` is its sum."""
    largest = f"topk(8, {usd})"
    parts = Query(f"sort_desc({largest})", "{{quest}}"), Query(f"{whole} - sum({largest}) > 0", OTHER)
    return paint_quests(donut(words, USD, *parts))


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
