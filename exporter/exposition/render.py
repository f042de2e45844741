"""Data families -> the bytes of a page, the same for text 0.0.4 and OpenMetrics 1.0.

Data are gauges without timestamps, units or exemplars, and there the two formats differ in one thing only: OpenMetrics escapes
the double quote in help texts, text 0.0.4 does not. The help texts of the catalogue therefore have no character to escape.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.utils import floatToGoString

from exporter.metrics import Family, Labels, Metric, Sample


class _Escaped(dict[str, str]):
    """Label values as they stand between quotes; quests and providers repeat, so each is worked out once per page."""

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
    """Renders one page after the other. What stands from one page to the next, a family or a sample, is rendered once."""

    def __init__(self) -> None:
        self._before: dict[Metric, _Rendered] = {}

    def render(self, families: Iterable[Family]) -> bytes:
        """Return the families as UTF-8 lines, in the order given: HELP, TYPE, then one line per sample.

        A lone surrogate, which UTF-8 cannot hold, becomes ``?``: one odd label value must not blank the page.
        """
        escaped = _Escaped()
        self._before = {family.metric: self._rendered(family, escaped) for family in families}
        return "".join(each.text for each in self._before.values()).encode(errors="replace")

    def _rendered(self, family: Family, escaped: _Escaped) -> _Rendered:
        before = self._before.get(family.metric)
        if before and before.family is family:
            return before
        known = before.lines if before else {}
        pattern = _pattern(family.metric) + " %s\n"
        lines = {sample: known.get(sample) or _line(pattern, sample, escaped) for sample in family.samples}
        return _Rendered(family, lines, head(family.metric) + "".join(lines.values()))


def head(metric: Metric) -> str:
    """The lines before the samples of a metric."""
    return f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} gauge\n"


def series(metric: Metric, values: Labels) -> str:
    """What stands before the number of a sample: the name and the labels."""
    return _pattern(metric) % tuple(map(_Escaped().__getitem__, values))


def _pattern(metric: Metric) -> str:
    return metric.name + ("{" + ",".join(f'{label}="%s"' for label in metric.labels) + "}" if metric.labels else "")


def _line(pattern: str, sample: Sample, escaped: _Escaped) -> str:
    labels, number = sample
    return pattern % (*map(escaped.__getitem__, labels), floatToGoString(number))  # type: ignore[no-untyped-call]
