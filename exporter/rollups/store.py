"""The rollup file: opening it, and changing it one transaction at a time.

All methods block and must run one at a time; the refresh gives them a thread of their own.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection
from pydantic import TypeAdapter

from exporter.config import Config
from exporter.rollups import derived, facts, small_ledgers, staging
from exporter.rollups.file import RollupFileError, is_damage, open_file, set_aside
from exporter.sources.database import first_line
from exporter.sources.statements import EARLIEST
from exporter.sync.audit import HOURS_PER_RANGE, KnownHour
from exporter.sync.changes import Building, Changes, Progress

_PROGRESS = TypeAdapter(Progress)
_BUILDING = TypeAdapter(Building)
# A first build is large statements, for which two threads are faster, and no time is taken to put the file in order after each.
# All that follows is small statements, for which a second thread costs more than it brings; they begin with a new connection.
_LARGE_STATEMENTS = "SET threads = 2; SET preserve_insertion_order = false; SET checkpoint_threshold = '1GB'"
_CLEAN = (
    "CREATE OR REPLACE TEMP MACRO clean(words) AS"
    r" left(regexp_replace(coalesce(words, ''), '\p{Cc}', '', 'g'), 80)"
)
_NEWEST = """
SELECT ledger, max(moment)
  FROM (SELECT ledger, newest AS moment FROM hours UNION ALL SELECT ledger, unnest(ahead) FROM hours WHERE ahead IS NOT NULL)
 WHERE moment <= $now GROUP BY ledger
"""


CHANGES_PER_CONNECTION = 500
"""Each leaves some 100 kB behind."""


class Rollups:
    """The rollups of all ledgers, in one file that holds nothing which could not be read again."""

    def __init__(self, path: Path, config: Config) -> None:
        """Open the file, or make it.

        Raises:
            RollupFileError: it cannot be used, nor another one be made in its place.
        """
        self.revisions = Counter[str]()
        """Of each ledger, how often anything changed that a report could tell, since the file was opened."""
        self._path = path
        self._config = config
        self._suspect: Exception | None = None
        self._open()

    def close(self) -> None:
        """Write everything into the file itself and close it."""
        self._connection.close()

    def mark_suspect(self, error: Exception) -> None:
        """Note an error, for it may be one after which nothing can be done with the file before :meth:`reopen_if_needed`."""
        if isinstance(error, duckdb.FatalException) or is_damage(error):
            self._suspect = error

    def reopen_if_needed(self) -> bool:
        """Open the file again if DuckDB has given it up, as it does when a checkpoint fails; set it aside if it is damaged.

        Also after a first build, and after many changes: what they leave in DuckDB's memory goes only with the connection.
        Returns whether there is a new connection. Raises:
            RollupFileError: it cannot be opened now; the next call tries again.
        """
        if self._suspect is None and self.revisions.total() < self._reopen_after:
            return False
        self.close()
        if self._suspect and is_damage(self._suspect) and self._path.is_file():
            set_aside(self._path, "it is damaged")
        self._open()
        self._suspect = None
        return True

    @property
    def connection(self) -> DuckDBPyConnection:
        """For reading reports; its temporary tables are the reader's own."""
        return self._connection

    def rejected(self) -> list[tuple[str, str, int]]:
        """How many entries are left out of the numbers: ``(ledger, reason, entries)``."""
        return self._connection.execute(
            "SELECT ledger, rejection_reason, sum(entries)::BIGINT FROM rejected GROUP BY ALL"
        ).fetchall()

    def newest(self, now: datetime) -> dict[str, datetime]:
        """When the newest entry of each ledger of timed entries occurred, of those that have happened by now."""
        rows = self._connection.execute(_NEWEST, {"now": now.astimezone(UTC).replace(tzinfo=None)}).fetchall()
        return {ledger: newest.replace(tzinfo=UTC) for ledger, newest in rows}

    def progress(self, ledger: str) -> Progress | None:
        """How far a ledger has been followed; None when it was never read whole."""
        value = self._state(f"progress.{ledger}")
        return _PROGRESS.validate_json(value) if value else None

    def remembered(self, ledger: str, start: tuple[date, int]) -> list[KnownHour]:
        """The next known hours of a ledger from a day and hour on."""
        rows = self._connection.execute(
            "SELECT day, hour, entries, checksum FROM hours WHERE ledger = $ledger AND (day, hour) >= ($day, $hour)"
            " ORDER BY day, hour LIMIT $most",
            {"ledger": ledger, "day": start[0], "hour": start[1], "most": HOURS_PER_RANGE},
        ).fetchall()
        return [KnownHour(*row) for row in rows]

    def holding(self, ledger: str, numbers: list[tuple[int, int]]) -> list[tuple[date, int]]:
        """The days and hours of a ledger that hold, or may hold, entries with numbers in these closed ranges."""
        first, last = zip(*numbers, strict=True)
        return self._connection.execute(
            "SELECT DISTINCT day, hour FROM hours JOIN (SELECT unnest($first) AS first, unnest($last) AS last)"
            " ON low <= last AND high >= first WHERE ledger = $ledger",
            {"ledger": ledger, "first": list(first), "last": list(last)},
        ).fetchall()

    def building(self, ledger: str) -> Building | None:
        """How far a first build has come that was broken off; None when there is none."""
        value = self._state(f"building.{ledger}")
        return _BUILDING.validate_json(value) if value else None

    def begin(self, ledger: str, building: Building) -> None:
        """Forget a ledger, to build it again."""
        with self._transaction():
            self._put(f"progress.{ledger}", "")
            self._put(f"building.{ledger}", _BUILDING.dump_json(building).decode())
            facts.forget(self._connection, ledger)
        self.revisions[ledger] += 1

    def add(self, changes: Changes, position: datetime) -> None:
        """One step of a first build: take the parts in, and leave what is derived from them for :meth:`finish`.

        ``position`` is how far the build has come with them.
        """
        self._connection.execute(_LARGE_STATEMENTS)
        with self._transaction():
            self._expect(changes.ledger, built=False)
            staging.load(self._connection, changes)
            facts.add(self._connection, changes.ledger)
            self._assign_families()
            self._put(f"building.{changes.ledger}", _BUILDING.dump_json(Building(changes.progress, position)).decode())

    def finish(self, changes: Changes) -> None:
        """The last step of a first build."""
        with self._transaction():
            self._expect(changes.ledger, built=False)
            derived.mark_all_dirty(self._connection)
            derived.derive(self._connection, changes.ledger)
            self._settle(changes)
            self._put(f"building.{changes.ledger}", "")
        self.revisions[changes.ledger] += 1
        self._built = True

    def apply(self, changes: Changes) -> None:
        """Replace the hours that differ, and what is derived from them."""
        if self._built:
            self._reopen_after = 0
        with self._transaction():
            before = _PROGRESS.validate_json(self._expect(changes.ledger, built=True))
            differs = bool(changes.parts) and staging.stage(self._connection, changes)
            if differs:
                facts.replace(self._connection, changes.ledger)
                self._assign_families()
                derived.derive(self._connection, changes.ledger)
            if before.compacted_before != changes.progress.compacted_before:
                facts.compact(self._connection, changes.ledger, changes.progress.compacted_before)
            self._settle(changes)
        self.revisions[changes.ledger] += differs

    def allocated_before(self, day: date) -> date | None:
        """The last day before ``day`` for which allocations are known."""
        days: list[tuple[date | None]]
        days = self._connection.execute("SELECT max(day) FROM allocations WHERE day < ?", [day]).fetchall()
        return days[0][0]

    def replace_allocations(self, file: Path, first: date, last: date, untimed: Mapping[str, int], progress: Progress) -> bool:
        """Put a file's rows in the place of the allocations of a range of days. Returns whether any differs."""
        with self._transaction():
            if (first, last) != (EARLIEST, progress.today):
                self._expect("allocations", built=True)
            differs = small_ledgers.replace_allocations(self._connection, file, first, last)
            facts.untimed(self._connection, "allocations", untimed)
            self._advance("allocations", progress)
        self.revisions["allocations"] += differs
        return differs

    def replace_quests(self, file: Path, progress: Progress) -> None:
        """Put a file's rows in the place of all names and layers of quests."""
        with self._transaction():
            differs = small_ledgers.replace_quests(self._connection, file)
            self._advance("quests", progress)
        self.revisions["quests"] += differs

    def advance(self, ledger: str, progress: Progress) -> None:
        """Note how far a ledger has been followed, where nothing else is to be changed."""
        with self._transaction():
            self._expect(ledger, built=True)
            self._advance(ledger, progress)

    def _expect(self, ledger: str, *, built: bool) -> str:
        """The progress of a ledger, empty while it is being built.

        Refuses to go on in another file than the one that the work began with, in which the ledger is not even begun.
        """
        progress = self._state(f"progress.{ledger}")
        if progress is None or bool(progress) is not built:
            raise RollupFileError(f"{self._path} was set aside meanwhile; the rollups of {ledger} are built again")
        return progress

    def _assign_families(self) -> None:
        if self._connection.execute("FROM models WHERE family IS NULL LIMIT 1").fetchone():
            derived.assign_families(self._connection, self._config.providers)

    def _settle(self, changes: Changes) -> None:
        facts.untimed(self._connection, changes.ledger, changes.untimed)
        self._advance(changes.ledger, changes.progress)

    def _advance(self, ledger: str, progress: Progress) -> None:
        self._put(f"progress.{ledger}", _PROGRESS.dump_json(progress).decode())

    def _open(self) -> None:
        self._connection = open_file(self._path)
        self._built = False
        self._reopen_after = self.revisions.total() + CHANGES_PER_CONNECTION
        try:
            self._connection.execute(_CLEAN)
            facts.define(self._connection)
            derived.define(self._connection, self._config.waste)
            self._follow_rules(repr((self._config.providers, self._config.waste)))
        except duckdb.Error as error:
            self.close()
            if not is_damage(error):
                raise RollupFileError(f"{self._path} cannot be written: {first_line(error)}") from error
            set_aside(self._path, "it is damaged")
            self._open()

    def _follow_rules(self, rules: str) -> None:
        """Derive everything again when the provider families, or what counts as waste, are no longer what they were."""
        if self._state("rules") == rules:
            return
        with self._transaction():
            self._connection.execute("UPDATE models SET family = NULL")
            derived.assign_families(self._connection, self._config.providers)
            derived.mark_all_dirty(self._connection)
            for ledger in ("impacts", "costs"):
                derived.derive(self._connection, ledger)
            self._put("rules", rules)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _state(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM state WHERE name = ?", [name]).fetchone()
        return row[0] if row else None

    def _put(self, name: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", [name, value])
