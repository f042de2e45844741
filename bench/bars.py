"""Where the exporter must stand: each bar is a number, or a ratio of two, that a run measures."""

import operator
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Sense(Enum):
    """Which side of the limit is the right one."""

    AT_MOST = "at most"
    UNDER = "under"
    AT_LEAST = "at least"

    def holds(self, value: float, limit: float) -> bool:
        """Whether the value is on the right side."""
        holds: bool = {"at most": operator.le, "under": operator.lt, "at least": operator.ge}[self.value](value, limit)
        return holds


AT_MOST, UNDER, AT_LEAST = Sense.AT_MOST, Sense.UNDER, Sense.AT_LEAST


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


DATABASE_TIME: Final = (
    Bar(
        "database time per refresh against the same questions as plain SQL",
        "long.database_ms",
        AT_MOST,
        1 / 1500,
        against="plain.database_ms",
    ),
    Bar(
        "database time per refresh, long history against short ({long} days, {short})",
        "long.database_ms",
        AT_MOST,
        1.2,
        against="short.database_ms",
    ),
    Bar(
        "database time per refresh at 1 M rows a day against aggregating a day with plain SQL",
        "rate_1m.database_ms",
        AT_MOST,
        1 / 8,
        against="rate_1m.plain_day_ms",
    ),
    Bar("database time per refresh at 10 M rows a day", "rate_10m.database_ms", UNDER, 40, "ms"),
)
ROWS: Final = (
    Bar("rows fetched per changed row, inserts at 100 k rows a day", "rate_100k.rows_per_change", AT_MOST, 3, "rows"),
    Bar("rows fetched per changed row, inserts at 1 M rows a day", "rate_1m.rows_per_change", AT_MOST, 3, "rows"),
    Bar("rows fetched per changed row, inserts at 10 M rows a day", "rate_10m.rows_per_change", AT_MOST, 3, "rows"),
    Bar("rows fetched per changed row, with 10 late scores a second", "late_scores.rows_per_change", AT_MOST, 3, "rows"),
)
REFRESHES: Final = (
    Bar(
        "a whole refresh with late scores against one without",
        "late_scores.total_ms",
        AT_MOST,
        1.3,
        against="no_late_scores.total_ms",
    ),
    Bar("a whole refresh, wall clock", "long.total_ms", UNDER, 100, "ms"),
    Bar("a whole refresh at 1 M rows a day", "rate_1m.total_ms", UNDER, 200, "ms"),
    Bar("a whole refresh at 10 M rows a day", "rate_10m.total_ms", UNDER, 500, "ms"),
    Bar(
        "a whole refresh, long history against middle ({long} days, {middle})",
        "long.total_ms",
        AT_MOST,
        1.5,
        against="middle.total_ms",
    ),
    Bar(
        "a row six hours late, with text ids, to the page (60 s and an interval of 15 s)", "text_ids.late_row_s", UNDER, 75, "s"
    ),
)
SCRAPES: Final = (
    Bar("a scrape, plain (median, 1 connection)", "ours.plain.1.p50_ms", UNDER, 0.5, "ms"),
    Bar("a scrape, gzip (median, 1 connection)", "ours.gzip.1.p50_ms", UNDER, 0.2, "ms"),
    Bar(
        "throughput of scrapes, gzip as Prometheus asks, 16 connections, against sql_exporter",
        "ours.gzip.16.per_second",
        AT_LEAST,
        150,
        against="sql_exporter.gzip.16.per_second",
    ),
)
MEMORY_AND_START: Final = (
    Bar("resident memory", "ours.memory_mb", UNDER, 250, "MB"),
    Bar("peak of resident memory in the first build", "ours.peak_memory_mb", UNDER, 400, "MB"),
    Bar("peak of resident memory in the first build of one busy day", "busy_day.peak_memory_mb", UNDER, 400, "MB"),
    Bar("start with an existing rollup file, to the first snapshot", "ours.restart_s", UNDER, 1, "s"),
    Bar("first build against the plain aggregation", "ours.build_s", AT_MOST, 1.5, against="plain.aggregation_s"),
    Bar("lines of progress in the log of the first build", "ours.progress_lines", AT_LEAST, 1, "lines"),
)
BARS: Final = (*DATABASE_TIME, *ROWS, *REFRESHES, *SCRAPES, *MEMORY_AND_START)
"""Those of the full size."""
LARGE: Final = (
    Bar("a whole refresh, wall clock", "large.total_ms", UNDER, 200, "ms"),
    Bar("resident memory", "ours.memory_mb", UNDER, 500, "MB"),
    Bar("the rollup file, for each call", "ours.rollup_bytes_per_call", UNDER, 25, "bytes"),
    Bar("first build against the plain aggregation", "ours.build_s", AT_MOST, 2, against="plain.aggregation_s"),
)
"""Those of the large size."""
