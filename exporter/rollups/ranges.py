"""What is known of each range of a ledger, and what was rejected in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from duckdb import DuckDBPyConnection

from exporter.rollups.staging import COARSE, FINE

Key = tuple[date, int]
"""A range of a ledger: its day, and the minute after midnight at which it begins."""


@dataclass(frozen=True, slots=True)
class KnownRange:
    """What the rollups hold of a range: its length in minutes, how many entries, and the sums of their checksums and keys.

    ``unread`` is whether it is to be read again, whatever the ledger holds.
    """

    day: date
    minute: int
    minutes: int
    entries: int
    checksum: int
    keys: int
    unread: bool = False

    @property
    def key(self) -> Key:
        """The range."""
        return self.day, self.minute


_KNOWN = "SELECT day, minute, any_value(minutes), sum(entries), sum(checksum), sum(keys) FROM ranges WHERE ledger = $ledger"
_WITHIN = (
    "day BETWEEN DATE '{0}' AND DATE '{2}' AND (day > DATE '{0}' OR minute >= {1}) AND (day < DATE '{2}' OR minute <= {3})"
)
_KEYS = "CREATE OR REPLACE TEMP TABLE {table} AS SELECT unnest($day::DATE[]) AS day, unnest($minute::USMALLINT[]) AS minute"
_SUMS = """
SELECT day, minute, any_value(minutes) AS minutes, count(*)::HUGEINT AS entries, coalesce(sum(checksum), 0) AS checksum,
       coalesce(sum(key), 0) AS keys, coalesce(sum(usd) FILTER (usd > 0), 0) AS positive_usd, min(key) AS low, max(key) AS high,
       max(occurred_at) FILTER (occurred_at <= $now) AS newest,
       list(DISTINCT date_trunc('second', occurred_at)) FILTER (occurred_at > $now) AS ahead
  FROM {entries} GROUP BY day, minute
"""
_ADDED_UP = """
sum(entries) AS entries, sum(checksum) AS checksum, sum(keys) AS keys, sum(positive_usd) AS positive_usd,
min(low) AS low, max(high) AS high, max(newest) AS newest, list_distinct(flatten(list(ahead))) AS ahead
"""
_MERGED = f"""
CREATE OR REPLACE TEMP TABLE merged AS
SELECT day, minute, any_value(length) AS minutes, {_ADDED_UP}
  FROM (SELECT ranges.*, settled.minutes AS length
          FROM ranges JOIN settled ON settled.day = ranges.day AND hour = minute // 60 WHERE ledger = $ledger) GROUP BY ALL
"""
# Where every entry that goes comes back at its time, only checksums and amounts differ. The least and greatest id and
# the newest entry of a range can only be joined by others.
_ADJUSTED = f"""
CREATE OR REPLACE TEMP TABLE dirty_ranges AS
SELECT day, minute, any_value(minutes) AS minutes, {_ADDED_UP}
  FROM (SELECT * EXCLUDE (ledger) FROM ranges SEMI JOIN entries USING (day, minute) WHERE ledger = $ledger
        UNION ALL
        SELECT day, minute, minutes, 1, checksum, key, CASE WHEN usd > 0 THEN usd ELSE 0 END, key, key,
               CASE WHEN occurred_at <= $now THEN occurred_at END,
               CASE WHEN occurred_at > $now THEN [date_trunc('second', occurred_at)] END
          FROM entries
        UNION ALL
        SELECT day, minute, NULL, -1, -checksum::HUGEINT, -key::HUGEINT, CASE WHEN usd > 0 THEN -usd ELSE 0 END, NULL, NULL,
               NULL, NULL
          FROM gone)
 GROUP BY day, minute
"""
_MATCHING = "ledger = $ledger AND (t.day, t.minute) = (k.day, k.minute)"
_REJECTED = """
INSERT INTO rejected SELECT $ledger, day, minute, rejection_reason, count(*) FROM {entries}
 WHERE rejection_reason IS NOT NULL GROUP BY ALL
"""
# Hours that will not change any more, and how long their ranges may be.
_SETTLED = f"""
CREATE OR REPLACE TEMP TABLE settled AS
SELECT day, hour, CASE WHEN entries > {COARSE} THEN 5 ELSE 60 END AS minutes
  FROM (SELECT day, minute // 60 AS hour, sum(entries) AS entries FROM ranges
         WHERE ledger = $ledger AND minutes = 1 AND (day, minute // 60) < ($day::DATE, $hour::INTEGER) GROUP BY ALL)
 WHERE entries <= {FINE}
"""
_IN_SETTLED = "FROM settled WHERE t.ledger = $ledger AND settled.day = t.day AND hour = t.minute // 60"
# What lies ahead in a day that is over has happened.
_HAPPENED = """
UPDATE ranges SET newest = greatest(newest, list_max(ahead)), ahead = NULL
 WHERE ledger = $ledger AND day < $day AND ahead IS NOT NULL
"""


def known(connection: DuckDBPyConnection, ledger: str, spans: Sequence[tuple[Key, Key]], most: int) -> list[KnownRange]:
    """The ranges of a ledger that begin in one of the closed spans, in order of time, and as many as asked for."""
    query = f"{_KNOWN} AND ({within(spans)}) GROUP BY day, minute ORDER BY ALL LIMIT {most:d}"
    return [KnownRange(*row) for row in connection.execute(query, {"ledger": ledger}).fetchall()]


def within(spans: Sequence[tuple[Key, Key]]) -> str:
    """The condition that a range begins in one of the closed spans."""
    return " OR ".join(_WITHIN.format(*(value for key in span for value in key)) for span in spans)


def holding(connection: DuckDBPyConnection, ledger: str, ids: list[int]) -> list[Key]:
    """The ranges of a ledger that may hold entries with these ids."""
    query = (
        "SELECT DISTINCT day, minute FROM ranges JOIN (SELECT unnest($ids::BIGINT[]) AS id) ON id BETWEEN low AND high"
        " WHERE ledger = $ledger"
    )
    return connection.execute(query, {"ledger": ledger, "ids": ids}).fetchall()


def keys(connection: DuckDBPyConnection, table: str, found: Iterable[Key]) -> None:
    """Make a temporary table of these ranges, ``day, minute``."""
    rows = list(found)
    connection.execute(_KEYS.format(table=table), {"day": [day for day, _ in rows], "minute": [minute for _, minute in rows]})


def add(connection: DuckDBPyConnection, ledger: str, now: datetime) -> None:
    """Add the entries to what is known of their ranges."""
    _insert(connection, ledger, "entries", now)


def remove(connection: DuckDBPyConnection, ledger: str, table: str) -> None:
    """Forget what is known of the ranges in a temporary table."""
    for each in ("ranges", "rejected"):
        connection.execute(f"DELETE FROM {each} AS t USING {table} AS k WHERE {_MATCHING}", {"ledger": ledger})


def sum_up(connection: DuckDBPyConnection, ledger: str, table: str, entries: str, now: datetime) -> None:
    """Sum up again what is known of the ranges in a temporary table, from all their entries."""
    remove(connection, ledger, table)
    _insert(connection, ledger, entries, now)


def adjust(connection: DuckDBPyConnection, ledger: str, now: datetime) -> None:
    """Put ``entries`` in the place of those in ``gone``, in what is known of their ranges; these are in ``dirty_ranges`` then.

    Each of ``gone`` comes back at its time, and neither was rejected.
    """
    connection.execute(_ADJUSTED, {"ledger": ledger, "now": now.astimezone(UTC).replace(tzinfo=None)})
    _put(connection, ledger, "dirty_ranges")
    connection.execute(_REJECTED.format(entries="entries"), {"ledger": ledger})


def settle(connection: DuckDBPyConnection, ledger: str, before: tuple[date, int]) -> bool:
    """Keep what is known of the hours before a day and hour in longer ranges.

    Lists these hours in ``settled``; returns whether there are any.
    """
    connection.execute(_HAPPENED, {"ledger": ledger, "day": before[0]})
    connection.execute(_SETTLED, {"ledger": ledger, "day": before[0], "hour": before[1]})
    if not connection.execute("FROM settled LIMIT 1").fetchone():
        return False
    for table in ("ranges", "rejected", "pending", "unread"):
        connection.execute(f"UPDATE {table} AS t SET minute = {lengthened('t')} {_IN_SETTLED}", {"ledger": ledger})
    connection.execute(_MERGED, {"ledger": ledger})
    _put(connection, ledger, "merged")
    return True


def lengthened(table: str) -> str:
    """The minute at which the longer range of a row begins."""
    return f"({table}.minute // settled.minutes * settled.minutes)::USMALLINT"


def untimed(connection: DuckDBPyConnection, ledger: str, entries: Mapping[str, int]) -> None:
    """Remember how many entries no day can hold, by reason."""
    connection.execute("DELETE FROM rejected WHERE ledger = ? AND day IS NULL", [ledger])
    for rejection_reason, count in entries.items():
        connection.execute("INSERT INTO rejected VALUES (?, NULL, NULL, ?, ?)", [ledger, rejection_reason, count])


def _insert(connection: DuckDBPyConnection, ledger: str, entries: str, now: datetime) -> None:
    instant = now.astimezone(UTC).replace(tzinfo=None)
    sums = _SUMS.format(entries=entries)
    connection.execute(f"INSERT INTO ranges SELECT $ledger, * FROM ({sums})", {"ledger": ledger, "now": instant})
    connection.execute(_REJECTED.format(entries=entries), {"ledger": ledger})


def _put(connection: DuckDBPyConnection, ledger: str, table: str) -> None:
    """Put the ranges in a temporary table in the place of those that there are."""
    connection.execute(f"DELETE FROM ranges AS t USING {table} AS k WHERE {_MATCHING}", {"ledger": ledger})
    connection.execute(f"INSERT INTO ranges SELECT $ledger, * FROM {table}", {"ledger": ledger})
