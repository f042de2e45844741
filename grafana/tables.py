"""Tables: one row per set of labels, one column per query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models.common import TableCellDisplayMode
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig as Step
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property

from exporter.palette import REST
from grafana.panels import UNKNOWN, Words, outfit
from grafana.theme import DECIMALS, NAME, SHARE, Steps, badge, colored, graded, unit
from grafana.transformations import ROW, at_once, bar_end, row_numbers, step, value_fields

RANK = "#"
NOTE = "Note"
"""The column that says why there are no rows: in Grafana 12, a table of several queries cannot say it otherwise."""

WRAPPED = Property("custom.wrapText", True)  # noqa: FBT003
"""Long names in several lines, from Grafana 12 on; those before cut them."""


@dataclass(frozen=True)
class Key:
    """A label that identifies rows. Without a heading its column is hidden and serves links only."""

    label: str
    heading: str = ""
    width: int = 0
    colors: Mapping[str, str] = field(default_factory=dict)
    """The colour of the badge of each value."""
    link: tuple[str, str] | None = None
    """The title and the URL of a link on each value."""


@dataclass(frozen=True)
class Value:
    """A column of numbers."""

    heading: str
    query: str
    unit: str
    width: int = 100
    decimals: int | None = None
    """By default, as many as everywhere else for this unit."""
    bar: str | Steps = ""
    """The colour of a bar from 0 to the maximum of the column, or to 1 if that is more and it is a share; empty: no bar."""
    leads: bool = False
    """Whether the rows are in order of this column. By default, they are in that of the first one."""
    ascending: bool = False
    """Whether that order begins with the least value."""

    @property
    def longest(self) -> str:
        """The value at which the bar has its full length."""
        return f"clamp_min(max({self.query}), 1)" if self.unit == SHARE else f"max({self.query})"


def rows(words: Words, keys: Sequence[Key], values: Sequence[Value], *, most: int = 15, ranked: bool = False) -> table.Panel:
    """A table with one row per set of keys, in order of the value that leads."""
    longest = {index: value.longest for index, value in enumerate(values) if value.bar and (value.unit == SHARE or values[1:])}
    queries = [*(value.query for value in values), *longest.values()]
    if len(queries) > 1:
        queries.append(f'label_replace(absent({queries[0]}), "{NOTE}", "{words.absent}", "", "")')
    panel = outfit(table.Panel(), words, NAME, [at_once(query) for query in queries])
    ends = [
        bar_end(letter, ascii_uppercase[index]) for letter, index in zip(ascii_uppercase[len(values) :], longest, strict=False)
    ]
    fields = value_fields(len(queries))
    lead = next((index for index, value in enumerate(values) if value.leads), 0)
    sort = [{"field": fields[lead], "desc": not values[lead].ascending}]
    order = [step("merge"), step("sortBy", sort=sort), step("limit", limitField=most)]
    panel.transformations([*ends, *order, *_arranged(keys, fields, values, ranked=ranked)])
    return _decorated(panel, keys, values, ranked=ranked)


def _arranged(keys: Sequence[Key], fields: Sequence[str], values: Sequence[Value], *, ranked: bool) -> list[Step]:
    headings = {key.label: key.heading for key in keys if key.heading}
    headings |= {name: value.heading for name, value in zip(fields, values, strict=False)}
    places = {name: place for place, name in enumerate((RANK, NOTE, *(key.label for key in keys), *fields))}
    unnamed = {"Value"} - {*fields}  # in Grafana 9, that of the only query that finds something
    dropped = dict.fromkeys(("Time", "job", ROW, *unnamed, *fields[len(values) :]), True)
    return [
        *(row_numbers(RANK) if ranked else ()),
        step("organize", excludeByName=dropped, indexByName=places, renameByName=headings),
    ]


def _decorated(panel: table.Panel, keys: Sequence[Key], values: Sequence[Value], *, ranked: bool) -> table.Panel:
    panel.override_by_regexp("/.*/", [Property("noValue", UNKNOWN)])  # of a cell; that of the panel is for a table without rows
    if ranked:
        panel.override_by_name(RANK, [unit("none"), Property("custom.width", 50)])
    panel.override_by_name(NOTE, [WRAPPED, Property("custom.displayMode", TableCellDisplayMode.COLOR_TEXT), colored(REST)])
    for key in keys:
        panel.override_by_name(key.heading or key.label, _key_properties(key))
    for value in values:
        panel.override_by_name(value.heading, _value_properties(value))
    return panel


def _key_properties(key: Key) -> list[Property]:
    if not key.heading:
        return [Property("custom.hidden", True)]  # noqa: FBT003
    properties = [WRAPPED, *([Property("custom.width", key.width)] if key.width else ())]
    if key.link:
        properties.append(Property("links", [dict(zip(("title", "url"), key.link, strict=True))]))
    if key.colors:
        badges = {name: {"color": badge(color), "index": place} for place, (name, color) in enumerate(key.colors.items())}
        properties.append(Property("mappings", [{"type": "value", "options": badges}]))
        properties.append(Property("custom.displayMode", TableCellDisplayMode.COLOR_BACKGROUND_SOLID))
        properties.append(colored(badge(REST)))
    return properties


def _value_properties(value: Value) -> list[Property]:
    decimals = DECIMALS.get(value.unit) if value.decimals is None else value.decimals
    properties = [unit(value.unit), Property("custom.width", value.width)]
    if decimals is not None:
        properties.append(Property("decimals", decimals))
    if value.bar:
        properties += [Property("custom.displayMode", TableCellDisplayMode.BASIC_GAUGE), Property("min", 0)]
        properties += [colored(value.bar)] if isinstance(value.bar, str) else graded(value.bar)
    return properties
