"""Where the exporter must stand at the full size: each bar is a number, or a ratio of two, that a run measures."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

Measurements = Mapping[str, float]


class Sense(Enum):
    """Which side of the limit is the right one."""

    AT_MOST = "at most"
    UNDER = "under"
    AT_LEAST = "at least"

    def holds(self, value: float, limit: float) -> bool:
        """Whether the value is on the right side."""
        holds: bool = {"at most": operator.le, "under": operator.lt, "at least": operator.ge}[self.value](value, limit)
        return holds


@dataclass(frozen=True, slots=True)
class Bar:
    """A measurement, divided by the one named by ``against`` if there is one, and its limit.

    ``what`` may name ledgers of a run, as ``{long}``: the days of that ledger stand in their place.
    """

    what: str
    measurement: str
    sense: Sense
    limit: float
    unit: str = "x"
    against: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says of a bar; the value is None when it was not measured."""

    bar: Bar
    value: float | None

    @property
    def met(self) -> bool:
        """Whether it was measured, and on the right side."""
        return self.value is not None and self.bar.sense.holds(self.value, self.bar.limit)

    @property
    def missed(self) -> bool:
        """Whether it was measured, and not on the right side."""
        return self.value is not None and not self.met


BARS: Final = (
    Bar(
        "database time per refresh against the same questions as plain SQL",
        "long.database_ms",
        Sense.AT_MOST,
        1 / 200,
        against="plain.database_ms",
    ),
    Bar(
        "database time per refresh, long history against short ({long} days, {short})",
        "long.database_ms",
        Sense.AT_MOST,
        1.3,
        against="short.database_ms",
    ),
    Bar(
        "database time per refresh at 1 M rows a day against aggregating a day with plain SQL",
        "rate_1m.database_ms",
        Sense.AT_MOST,
        1 / 8,
        against="rate_1m.plain_day_ms",
    ),
    Bar("a whole refresh, wall clock", "long.total_ms", Sense.UNDER, 300, "ms"),
    Bar(
        "a whole refresh, long history against middle ({long} days, {middle})",
        "long.total_ms",
        Sense.AT_MOST,
        3,
        against="middle.total_ms",
    ),
    Bar("a scrape, plain (median, 1 connection)", "ours.plain.1.p50_ms", Sense.UNDER, 2, "ms"),
    Bar("a scrape, gzip (median, 1 connection)", "ours.gzip.1.p50_ms", Sense.UNDER, 0.5, "ms"),
    Bar(
        "throughput of scrapes, gzip as Prometheus asks, 16 connections, against sql_exporter",
        "ours.gzip.16.per_second",
        Sense.AT_LEAST,
        50,
        against="sql_exporter.gzip.16.per_second",
    ),
    Bar("resident memory", "ours.memory_mb", Sense.UNDER, 400, "MB"),
    Bar("start with an existing rollup file, to the first snapshot", "ours.restart_s", Sense.UNDER, 3, "s"),
    Bar("first build against the plain aggregation", "ours.build_s", Sense.AT_MOST, 2, against="plain.aggregation_s"),
    Bar("peak of resident memory in the first build of one busy day", "busy_day.peak_memory_mb", Sense.UNDER, 400, "MB"),
    Bar("lines of progress in the log of the first build", "ours.progress_lines", Sense.AT_LEAST, 1, "lines"),
)


def judge(measured: Measurements, days: Mapping[str, float]) -> list[Verdict]:
    """The verdict on every bar, named for a run whose ledgers have so many days."""
    return [Verdict(replace(bar, what=bar.what.format(**days)), _value(bar, measured)) for bar in BARS]


def conclusion(verdicts: list[Verdict], *, full: bool) -> str:
    """``all bars met``, or which fall short, and which were not measured. Beside the full size, a miss is information."""
    missed = "; ".join(each.bar.what for each in verdicts if each.missed)
    unmeasured = "; ".join(each.bar.what for each in verdicts if each.value is None)
    if not missed:
        said = "all measured bars met" if unmeasured else "all bars met"
    else:
        said = (
            f"falls short: {missed}" if full else f"for information, as the bars are those of the full size, not met: {missed}"
        )
    return f"{said}. Not measured: {unmeasured}" if unmeasured else said


def _value(bar: Bar, measured: Measurements) -> float | None:
    value = measured.get(bar.measurement)
    if value is None or bar.against is None:
        return value
    against = measured.get(bar.against)
    return value / against if against else None
