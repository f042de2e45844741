"""Loading what was read into temporary tables, and finding the day and range that each entry belongs to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from duckdb import DuckDBPyConnection

from exporter.calendar import HOUR, MICROSECOND, ONE_DAY, Calendar
from exporter.columns import DECIMAL, ENTRIES, Kind
from exporter.rollups import numbers

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENTRY = {
    "occurred_at": "TIMESTAMP",
    "rejection_reason": "VARCHAR",
    "checksum": "BIGINT",
    "key": "BIGINT",
    "name": "VARCHAR",
}
COLUMNS = {
    name: _ENTRY | {column.stored: column.kind.value for column in ledger.columns} for name, ledger in ENTRIES.items()
} | {
    "allocations": {
        "day": "DATE",
        "rejection_reason": "VARCHAR",
        "quest_id": "VARCHAR",
        "allocated_usd": DECIMAL,
        "spent_usd": DECIMAL,
        "entries": "HUGEINT",
    },
    "budgets": {
        "rejection_reason": "VARCHAR",
        "quest_id": "VARCHAR",
        "budget_usd": DECIMAL,
        "starts_on": "DATE",
        "ends_on": "DATE",
        "period": "VARCHAR",
        "entries": "HUGEINT",
    },
    "quests": {
        "rejection_reason": "VARCHAR",
        "quest_id": "VARCHAR",
        "name": "VARCHAR",
        "layer": "VARCHAR",
        "entries": "HUGEINT",
    },
}
"""The result columns of the statements that read each ledger, in their order."""

COARSE, FINE = 10_000, 120_000
"""Entries of an hour beyond which it is kept in ranges of 5 minutes, and of one minute."""

_STAGED = "CREATE OR REPLACE TEMP TABLE staged AS SELECT {columns} FROM {entries}"
_DATES = "SELECT {} FROM staged WHERE occurred_at IS NOT NULL GROUP BY ALL"
# A table, because DuckDB knows its size: it plans the joins that follow by how many rows it expects.
_DAYS = """
CREATE OR REPLACE TEMP TABLE staged_days AS
SELECT unnest($utc_date::DATE[]) AS utc_date, unnest($day::DATE[]) AS day, unnest($midnight::BIGINT[]) AS midnight,
       unnest($finish::BIGINT[]) AS finish
"""
_PLACED = """
WITH placed AS (
    SELECT day, ((epoch_us(occurred_at) - midnight) // 60000000)::USMALLINT AS minute, read.*
      FROM ({rows}) AS read JOIN staged_days ON utc_date = occurred_at::DATE
       AND epoch_us(occurred_at) >= midnight AND epoch_us(occurred_at) < finish
)
"""
# An entry that tells its day only is sent as of midnight in UTC, and occurred when that day began.
_BEGINNINGS = """
UPDATE staged SET occurred_at = make_timestamp(start)
  FROM (SELECT unnest($day::DATE[]) AS day, unnest($start::BIGINT[]) AS start) AS days WHERE day = occurred_at::DATE
"""
# An hour is kept in ranges of the length that it has already, or by the minute while it may still change, or as its size asks.
_HOURS = f"""
CREATE OR REPLACE TEMP TABLE staged_hours AS {_PLACED.format(rows="FROM staged")}
SELECT day, hour, coalesce(minutes, CASE WHEN (day, hour) >= ($open_day::DATE, $open_hour::INTEGER) OR rows > {{fine}} THEN 1
                                         WHEN rows > {{coarse}} THEN 5 ELSE 60 END) AS minutes
  FROM (SELECT day, minute // 60 AS hour, count(*) AS rows FROM placed GROUP BY ALL)
  LEFT JOIN (SELECT day, minute // 60 AS hour, min(minutes) AS minutes FROM ranges
              WHERE ledger = $ledger AND day IN (SELECT day FROM staged_days) GROUP BY ALL)
 USING (day, hour)
"""
_ENTRIES = f"""
CREATE OR REPLACE TEMP TABLE entries AS {_PLACED}
SELECT placed.* REPLACE ((placed.minute // minutes * minutes)::USMALLINT AS minute), minutes
  FROM placed JOIN staged_hours ON staged_hours.day = placed.day AND staged_hours.hour = placed.minute // 60
"""
# The same where all hours may still change.
_OPEN_ENTRIES = f"CREATE OR REPLACE TEMP TABLE entries AS {_PLACED} SELECT *, 1 AS minutes FROM placed"

# A buffer has a size of its own: DuckDB would make one as large as the file. No line is longer than a tenth of max_line_size.
# The directory may be named like a partition (usd=5), which says nothing of what is in a file.
_DIALECT = (
    "header = false, auto_detect = false, parallel = false, delim = ',', quote = '\"', escape = '\"', new_line = '\\n',"
    " nullstr = '', allow_quoted_nulls = true, max_line_size = 1048576,"
    " buffer_size = 8388608, hive_partitioning = false"
)


@dataclass(frozen=True, slots=True)
class Place:
    """How entries are placed: up to which day they count, and from which hour of which day on ranges are kept by the minute."""

    today: date
    open_day: date
    open_hour: int


def stage(connection: DuckDBPyConnection, ledger: str, calendar: Calendar, place: Place) -> None:
    """Fill ``entries`` with the rows of ``staged`` that count, placed and with numbers for names.

    A row counts that has a time, on a day that has begun.
    """
    dates = dict(connection.execute(_DATES.format("occurred_at::DATE, min(occurred_at)")).fetchall())
    days = _days(calendar, list(dates), place.today)
    connection.execute(_DAYS, days)
    numbers.number(connection, ledger)
    if all(_open(calendar, place, first) for first in dates.values()):
        connection.execute(_OPEN_ENTRIES.format(rows=numbers.NUMBERED[ledger]))
    else:
        hours = {"ledger": ledger, "open_day": place.open_day, "open_hour": place.open_hour}
        connection.execute(_HOURS.format(coarse=COARSE, fine=FINE), hours)
        connection.execute(_ENTRIES.format(rows=numbers.NUMBERED[ledger]))


def stage_rows(connection: DuckDBPyConnection, ledger: str, files: Iterable[Path]) -> None:
    """Fill ``staged`` with the rows of a ledger without timed entries, and number its quests."""
    read(connection, ledger, files)
    numbers.number_quests(connection)


def read(connection: DuckDBPyConnection, ledger: str, files: Iterable[Path], days: Calendar | None = None) -> None:
    """Fill ``staged`` with the rows of CSV files. ``days`` are the days of entries that tell no time."""
    statement = _STAGED.format(columns=_staged(ledger), entries=_read_csv(ledger))
    connection.execute(statement, {"files": [str(file) for file in files]})
    if days:
        found = [day for (day,) in connection.execute(_DATES.format("occurred_at::DATE")).fetchall()]
        connection.execute(_BEGINNINGS, {"day": found, "start": [microseconds(days.start(day)) for day in found]})


def _staged(ledger: str) -> str:
    """The columns of ``staged``: those that were sent, of which a rejected entry has no numbers."""
    columns = ENTRIES[ledger].columns if ledger in ENTRIES else ()
    numbered = [column.stored for column in columns if column.kind in (Kind.AMOUNT, Kind.COUNT)]
    kept = ", ".join(f"CASE WHEN rejection_reason IS NULL THEN {name} END AS {name}" for name in numbered)
    return f"* REPLACE ({kept})" if kept else "*"


def _read_csv(ledger: str) -> str:
    """The FROM item that reads the CSV files, given as the parameter ``$files``, of a ledger's result columns.

    Nothing is left to be guessed from the first lines, which may hold anything: quotes, line ends, a carriage return alone.
    """
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS[ledger].items())
    return f"read_csv($files, columns = {{{columns}}}, {_DIALECT})"


def bucket(length: timedelta, origin: str) -> str:
    """The number of the bucket that an entry falls in, counted from an origin in microseconds since 1970-01-01 UTC."""
    return f"floor((epoch_us(occurred_at) - {origin}) / {length // MICROSECOND})::INTEGER"


def microseconds(instant: datetime) -> int:
    """Since 1970-01-01 UTC."""
    return (instant - EPOCH) // MICROSECOND


def _days(calendar: Calendar, utc_dates: list[date], today: date) -> dict[str, list[object]]:
    """All days up to today that have a part in these days of UTC, with the instants at which they begin and end."""
    pairs = [(utc_date, day) for utc_date in utc_dates for day in _overlapping(calendar, utc_date) if day <= today]
    return {
        "utc_date": [utc_date for utc_date, _ in pairs],
        "day": [day for _, day in pairs],
        "midnight": [microseconds(calendar.start(day)) for _, day in pairs],
        "finish": [microseconds(calendar.end(day)) for _, day in pairs],
    }


def _open(calendar: Calendar, place: Place, instant: datetime) -> bool:
    """Whether an instant, in UTC, is in an hour that may still change."""
    if place.open_day == date.min:
        return True
    return instant.replace(tzinfo=UTC) >= calendar.start(place.open_day) + place.open_hour * HOUR


def _overlapping(calendar: Calendar, utc_date: date) -> list[date]:
    """A day of UTC holds the beginning, the middle and the end of a day at most: zones may skip a day, but none is so short."""
    begin = datetime.combine(utc_date, time.min, UTC)
    return sorted({calendar.day_of(begin + part) for part in (0 * ONE_DAY, ONE_DAY / 2, ONE_DAY - MICROSECOND)})
