"""The rollup file: opening it, and changing it one transaction at a time.

All methods block and must run one at a time; the refresh gives them a thread of their own.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from exporter.calendar import Calendar
from exporter.columns import ENTRIES
from exporter.config import Config
from exporter.rollups import costs, days, impacts, numbers, pending, ranges, small_ledgers, staging, tasks, views
from exporter.rollups.changes import Advance, Changes, TotalChanges
from exporter.rollups.compacting import LABELLING, Compacting
from exporter.rollups.months import reopened
from exporter.rollups.session import CHANGES_PER_CONNECTION

# A first build is large statements, for which two threads are faster, and no time is taken to put the file in order after each.
# All that follows is small statements, for which a second thread costs more than it brings; they begin with a new connection.
_LARGE_STATEMENTS = "SET threads = 2; SET preserve_insertion_order = false; SET checkpoint_threshold = '1GB'"


class Rollups(Compacting):
    """The rollups of all ledgers, in one file that holds nothing which could not be read again."""

    def __init__(self, path: Path, config: Config) -> None:
        """Open the file, or make it.

        Raises:
            RollupFileError: it cannot be used, nor another one be made in its place.
        """
        self._calendar = Calendar(config.timezone)
        super().__init__(path, config)

    def _define(self) -> None:
        super()._define()
        self._built = False
        numbers.define(self._connection)
        tasks.define(self._connection, self._config.waste)
        views.define(self._connection, self._config.ledgers)
        self._follow_rules(repr((self._config.providers, self._config.waste)))
        self._follow_rankings()

    def take_changes(self) -> TotalChanges | None:
        """What changed since this was asked last; None where all is to be read again."""
        return self._change_log.take()

    def forget_pending(self, ledger: str, ids: list[int]) -> None:
        """Forget entries above the low watermark that are there no more."""
        with self._transaction():
            self._connection.execute("DELETE FROM pending WHERE ledger = ? AND list_contains(?::BIGINT[], key)", [ledger, ids])

    def begin(self, ledger: str, building: str, partitions: str = "") -> None:
        """Forget a ledger, to build it again. ``partitions`` are those that it has now."""
        with self._transaction():
            self._reopen(self.months)
            self._forget(ledger)
            self._put_all({f"partitions.{ledger}": partitions, f"building.{ledger}": building})
        self._changed(ledger)

    def build(self, changes: Changes) -> None:
        """One step of a first build: take the entries in, and leave what is derived from them for :meth:`finish`."""
        self._connection.execute(_LARGE_STATEMENTS)
        with self._transaction():
            self._expect(changes.ledger, built=False)
            self._stage(changes)
            self._connection.execute("DROP TABLE staged")  # twice the same would take twice the memory
            (costs if changes.ledger == "costs" else impacts).take(self._connection)
            ranges.add(self._connection, changes.ledger, changes.now)
            self._connection.execute("DROP TABLE entries")  # it would stay beside those of the next step
            self._put(f"building.{changes.ledger}", changes.state)

    def finish(self, ledger: str, state: str) -> None:
        """The last step of a first build; ``state`` says how far the ledger has been followed."""
        self._growth.begin()
        with self._transaction():
            self._expect(ledger, built=False)
            self._reopen(self.months)  # those that were compacted while the ledger was not configured
            (costs if ledger == "costs" else impacts).total(self._connection, self._growth)
            self._put(f"progress.{ledger}", state)
            self._put(f"building.{ledger}", "")
        self._changed(ledger)
        self._built = True

    def apply(self, changes: Changes) -> None:
        """Add entries, or replace ranges by them, and bring what is derived from them in step."""
        self._growth.begin()
        with self._transaction():
            self._expect(changes.ledger, built=True)
            self._stage(changes)
            ranges.keys(self._connection, "replaced", changes.replaced)
            labelled = False
            if changes.replaced:
                pending.forget(self._connection, changes.ledger, "replaced")
            if changes.ledger == "costs":
                self._apply_costs(changes)
            else:
                labelled = self._apply_impacts(changes)
            if changes.low is not None:
                pending.remember(self._connection, changes.ledger, changes.low)
            self._put(f"progress.{changes.ledger}", changes.state)
            dirty = tasks.dirty(self._connection)
        self._change_log.note(dirty, self._growth.changes)
        # A first build leaves a slow connection, which is opened again when nobody waits for the first numbers any more.
        self._changes = CHANGES_PER_CONNECTION if self._built else self._changes + 1
        self.revisions[changes.ledger] += 1
        self.revisions[LABELLING] += labelled

    def _stage(self, changes: Changes) -> None:
        days = self._calendar if self._config.ledgers[changes.ledger].timed_by == "day" else None
        staging.read(self._connection, changes.ledger, changes.files, days)
        staging.stage(self._connection, changes.ledger, self._calendar, changes.place)
        if changes.ledger == "costs":
            tasks.assign_families(self._connection, self._config.providers)

    def _apply_costs(self, changes: Changes) -> None:
        self._reopen_changed(changes)
        if changes.replaced:
            costs.replace(self._connection, self._growth)
            ranges.remove(self._connection, "costs", "replaced")
        else:
            costs.add(self._connection, self._growth)
        if months := reopened(self.months):
            days.read_again(self._connection, self._growth, months)
        ranges.add(self._connection, "costs", changes.now)
        self._leave_out("costs")
        if costs.follow(self._connection, self._growth):
            self.revisions["impacts"] += 1

    def _apply_impacts(self, changes: Changes) -> bool:
        """Returns whether labels may have changed."""
        whole_ranges = bool(changes.replaced)
        impacts.find_gone(self._connection, whole_ranges=whole_ranges)
        self._reopen_changed(changes)
        labelled = impacts.upsert(self._connection, changes.now, whole_ranges=whole_ranges)
        self._leave_out("impacts")
        impacts.follow(self._connection, self._growth)
        return labelled

    def advance(self, advances: Mapping[str, Advance]) -> None:
        """Note how far ledgers have been followed, where nothing else is to be changed."""
        with self._transaction():
            for ledger, advance in advances.items():
                self._expect(ledger)
                if advance.low is not None:
                    pending.pass_up_to(self._connection, ledger, advance.low)
            self._put_all(
                {f"progress.{ledger}": advance.state for ledger, advance in advances.items()}
                | {f"partitions.{ledger}": each.partitions for ledger, each in advances.items() if each.partitions}
            )

    def untimed(self, ledger: str, entries: Mapping[str, int]) -> None:
        """Note how many entries no day can hold, by reason."""
        with self._transaction():
            ranges.untimed(self._connection, ledger, entries)

    def settle(self, ledger: str, before: tuple[date, int], state: str) -> None:
        """Keep the hours before a day and hour in longer ranges, for they will hardly change any more.

        ``state`` says so, for entries that are read later are placed by it.
        """
        with self._transaction():
            self._expect(ledger)
            self._put(f"progress.{ledger}", state)
            if ranges.settle(self._connection, ledger, before):
                (costs if ledger == "costs" else impacts).settle(self._connection)

    def replace_allocations(self, files: Sequence[Path], days: Sequence[tuple[date, int, int]], state: str) -> None:
        """Replace the allocations of some days, each given with its count of rows and their checksum, by the rows of files."""
        with self._transaction():
            self._expect("allocations")
            small_ledgers.replace_allocations(self._connection, files, days)
            self._put("progress.allocations", state)
        self._changed("allocations")

    def replace_all(self, ledger: str, file: Path, state: str) -> None:
        """Put a file's rows in the place of all budgets, or of all names and layers of quests."""
        with self._transaction():
            small_ledgers.replace_all(self._connection, ledger, file)
            self._put(f"progress.{ledger}", state)
        self._changed(ledger)

    def _changed(self, ledger: str) -> None:
        if ledger in ENTRIES:
            self._change_log.forget()
        self.revisions[ledger] += 1
        self.revisions[LABELLING] += 1

    def _follow_rules(self, rules: str) -> None:
        """Derive everything again when the provider families, or what counts as waste, are no longer what they were."""
        if self._state("rules") == rules:
            return
        self._growth.begin()
        with self._transaction():
            self._reopen(self.months)
            self._connection.execute("UPDATE models SET family = NULL")
            tasks.assign_families(self._connection, self._config.providers)
            tasks.derive_all(self._connection, self._growth)
            self._put("rules", rules)
