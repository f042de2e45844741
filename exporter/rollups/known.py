"""What the rollups know of the ledgers, which decides what is read next."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import accumulate

from exporter.rollups import ranges
from exporter.rollups.months import MONTHS, Months, State, reopened
from exporter.rollups.ranges import Key, KnownRange
from exporter.rollups.session import Session

_NEWEST = """
SELECT ledger, max(moment)
  FROM (SELECT ledger, newest AS moment FROM ranges
        UNION ALL SELECT ledger, unnest(ahead) FROM ranges WHERE ahead IS NOT NULL)
 WHERE moment <= $now GROUP BY ledger
"""
_PENDING = "SELECT key >> $shift, count(*), sum(key) FROM pending WHERE ledger = $ledger AND key > $low GROUP BY ALL"
_LEAST_PENDING = "SELECT min(key) FROM pending WHERE ledger = ? AND key > ?"
_PENDING_ROWS = """
SELECT key, day, minute FROM pending
 WHERE ledger = $ledger AND key > $low AND list_contains($bins::BIGINT[], key >> $shift)
"""
_CHECKSUMS = "SELECT key, checksum FROM impacts SEMI JOIN (SELECT unnest($keys::BIGINT[]) AS key) USING (key)"

_UNREAD_DAYS = """
SELECT day, coalesce(sum(entries), 0)
  FROM unread LEFT JOIN ranges USING (ledger, day, minute) WHERE ledger = ? GROUP BY day ORDER BY day
"""
MOST_READ_AGAIN = 1_000_000
"""Entries of reopened months that are read again in one poll; a day, at least."""


class Known(Session):
    """Answers what is known of a ledger. Changes nothing."""

    @property
    def months(self) -> Months:
        """The months whose closed tasks are compacted, or were."""
        return MONTHS.validate_json(self._state("months") or "{}")

    def rejected(self) -> list[tuple[str, str, int]]:
        """How many entries are left out of the numbers: ``(ledger, reason, entries)``."""
        return self._connection.execute(
            "SELECT ledger, rejection_reason, sum(entries)::BIGINT FROM rejected GROUP BY ALL"
        ).fetchall()

    def newest(self, now: datetime) -> dict[str, datetime]:
        """When the newest entry of each ledger of timed entries occurred, of those that have happened by now."""
        rows = self._connection.execute(_NEWEST, {"now": now.astimezone(UTC).replace(tzinfo=None)}).fetchall()
        return {ledger: newest.replace(tzinfo=UTC) for ledger, newest in rows}

    def state(self, ledger: str) -> str | None:
        """How far a ledger has been followed, as the last change to it said; None when it was never read whole."""
        return self._state(f"progress.{ledger}") or None

    def building(self, ledger: str) -> str | None:
        """How far a first build has come that was broken off; None when there is none."""
        return self._state(f"building.{ledger}") or None

    def partitions(self, ledger: str) -> str | None:
        """The partitions with which a ledger was last in step; None where there were none."""
        return self._state(f"partitions.{ledger}")

    def known(self, ledger: str, *spans: tuple[Key, Key], most: int = 1_000_000) -> list[KnownRange]:
        """The ranges of a ledger that begin in one of the closed spans, in order of time, and as many as asked for."""
        found = ranges.known(self._connection, ledger, spans, most)
        if not reopened(self.months):
            return found
        query = f"SELECT day, minute FROM unread WHERE ledger = ? AND ({ranges.within(spans)})"
        unread = set(self._connection.execute(query, [ledger]).fetchall())
        return [replace(each, unread=True) if each.key in unread else each for each in found]

    def unread(self, ledger: str) -> list[date]:
        """The days of reopened months that are to be read again next: the first ones, which hold about a million entries."""
        rows = self._connection.execute(_UNREAD_DAYS, [ledger]).fetchall() if reopened(self.months) else []
        before = accumulate((entries for _, entries in rows), initial=0)
        return [day for (day, _), rows_before in zip(rows, before, strict=False) if rows_before < MOST_READ_AGAIN]

    def compacted(self, ids: list[int]) -> list[Key]:
        """The ranges of compacted months that may hold outcomes with these ids, which are not kept one by one."""
        months = {month for month, each in self.months.items() if each.state is not State.OPEN}
        return [key for key in self.holding("impacts", ids) if key[0].replace(day=1) in months] if months else []

    def holding(self, ledger: str, ids: list[int]) -> list[Key]:
        """The ranges of a ledger that may hold entries with these ids."""
        return ranges.holding(self._connection, ledger, ids)

    def least_pending(self, ledger: str, low: int) -> int | None:
        """The least id above the low watermark that was counted; None where there is none."""
        return self._connection.execute(_LEAST_PENDING, [ledger, low]).fetchall()[0][0]  # type: ignore[no-any-return]

    def pending_bins(self, ledger: str, low: int, shift: int) -> dict[int, tuple[int, int]]:
        """By ``id >> shift``, how many ids above the low watermark were counted, and their sum."""
        found = self._connection.execute(_PENDING, {"ledger": ledger, "low": low, "shift": shift}).fetchall()
        return {number: (count, int(total)) for number, count, total in found}

    def pending(self, ledger: str, low: int, shift: int, bins: list[int]) -> dict[int, Key | None]:
        """The ids above the low watermark that were counted, in some bins, each with its range (None: not counted yet)."""
        parameters = {"ledger": ledger, "low": low, "shift": shift, "bins": bins}
        rows = self._connection.execute(_PENDING_ROWS, parameters).fetchall()
        return {key: None if day is None else (day, minute) for key, day, minute in rows}

    def unknown(self, keys: list[int], checksums: list[int]) -> tuple[set[int], set[int]]:
        """Which of these keys of outcomes are not kept, and which have another checksum."""
        known = dict(self._connection.execute(_CHECKSUMS, {"keys": keys}).fetchall())
        changed = {key for key, checksum in zip(keys, checksums, strict=True) if known.get(key, checksum) != checksum}
        return set(keys) - known.keys(), changed
