"""Render data families as bytes that are valid in text format 0.0.4 and in OpenMetrics 1.0.

Data are gauges without timestamps, units and exemplars. For these the formats differ in one detail: OpenMetrics escapes the
double quote in help texts, text format 0.0.4 does not. The help texts of the catalogue therefore contain no such character.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.utils import floatToGoString

from exporter.metrics import SHARD, Family, Labels, Metric, Sample


class _Escaped(dict[str, str]):
    """Escaped label values. Values such as quests and providers repeat, so each is escaped once per snapshot."""

    def __missing__(self, value: str) -> str:
        escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        self[value] = escaped
        return escaped


@dataclass(frozen=True, slots=True)
class _Rendered:
    family: Family
    lines: Mapping[Sample, str]
    text: str


class Renderer:
    """Renders snapshots. A family or sample that is the same as in the previous snapshot is not rendered again."""

    def __init__(self) -> None:
        self._before: dict[Metric, _Rendered] = {}
        self._shard: str | None = None

    def render(self, families: Iterable[Family], shard: str | None = None) -> bytes:
        """Return the families as UTF-8 lines in the given order: HELP, TYPE, then one line per sample.

        ``shard`` is a label of every sample; without one there is no such label. A lone surrogate, which UTF-8 cannot encode,
        becomes ``?``, so that one bad label value does not break the scrape.
        """
        escaped = _Escaped()
        if shard != self._shard:
            self._before, self._shard = {}, shard
        self._before = {family.metric: self._rendered(family, escaped) for family in families}
        return "".join(each.text for each in self._before.values()).encode(errors="replace")

    def _rendered(self, family: Family, escaped: _Escaped) -> _Rendered:
        before = self._before.get(family.metric)
        if before and before.family is family:
            return before
        known = before.lines if before else {}
        pattern = _pattern(family.metric, self._shard) + " %s\n"
        lines = {sample: known.get(sample) or _line(pattern, sample, escaped) for sample in family.samples}
        return _Rendered(family, lines, head(family.metric) + "".join(lines.values()))


def head(metric: Metric) -> str:
    """Return the lines HELP and TYPE of a metric."""
    return f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} gauge\n"


def series(metric: Metric, values: Labels) -> str:
    """Return the part of a sample before its value: the name and the labels."""
    return _pattern(metric) % tuple(map(_Escaped().__getitem__, values))


def _pattern(metric: Metric, shard: str | None = None) -> str:
    labels = [f'{label}="%s"' for label in metric.labels]
    if shard is not None:
        labels.append(f'{SHARD}="{_Escaped()[shard]}"'.replace("%", "%%"))
    return metric.name + ("{" + ",".join(labels) + "}" if labels else "")


def _line(pattern: str, sample: Sample, escaped: _Escaped) -> str:
    labels, number = sample
    return pattern % (*map(escaped.__getitem__, labels), floatToGoString(number))  # type: ignore[no-untyped-call]
