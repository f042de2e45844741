"""Data families -> the bytes of a page, the same for text 0.0.4 and OpenMetrics 1.0.

Data are gauges without timestamps, units or exemplars, and there the two formats differ in one thing only: OpenMetrics escapes
the double quote in help texts, text 0.0.4 does not. The help texts of the catalogue therefore have no character to escape.
"""

from collections.abc import Iterable, Iterator

from prometheus_client.utils import floatToGoString

from exporter.metrics import Family, Labels, Metric


class _Escaped(dict[str, str]):
    """Label values as they stand between quotes; quests and providers repeat, so each is worked out once per page."""

    def __missing__(self, value: str) -> str:
        escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        self[value] = escaped
        return escaped


class Renderer:
    """Renders one page after the other. A family that stands from one page to the next is rendered once."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[Family, str]] = {}

    def render(self, families: Iterable[Family]) -> bytes:
        """Return the families as UTF-8 lines, in the order given: HELP, TYPE, then one line per sample.

        A lone surrogate, which UTF-8 cannot hold, becomes ``?``: one odd label value must not blank the page.
        """
        escaped = _Escaped()
        self._before = {id(family): (family, self._text(family, escaped)) for family in families}
        return "".join(text for _, text in self._before.values()).encode(errors="replace")

    def _text(self, family: Family, escaped: _Escaped) -> str:
        before, text = self._before.get(id(family), (None, ""))
        return text if before is family else "".join(_lines(family, escaped))


def head(metric: Metric) -> str:
    """The lines before the samples of a metric."""
    return f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} gauge\n"


def series(metric: Metric, values: Labels) -> str:
    """What stands before the number of a sample: the name and the labels."""
    return _pattern(metric) % tuple(map(_Escaped().__getitem__, values))


def _pattern(metric: Metric) -> str:
    return metric.name + ("{" + ",".join(f'{label}="%s"' for label in metric.labels) + "}" if metric.labels else "")


def _lines(family: Family, escaped: _Escaped) -> Iterator[str]:
    yield head(family.metric)
    line = _pattern(family.metric) + " %s\n"
    for values, number in family.samples:
        yield line % (*map(escaped.__getitem__, values), floatToGoString(number))  # type: ignore[no-untyped-call]
