"""Entries that are certainly new or changed: with ids above the high watermark, or late below it, or just updated."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from exporter.calendar import MICROSECOND
from exporter.rollups.ranges import Key
from exporter.sources.errors import SlowError
from exporter.sources.reader import EntryReader, Position, Span, Sums, Version
from exporter.sync import ranges
from exporter.sync.batches import BatchReader
from exporter.sync.ranges import Budget
from exporter.sync.step import Step
from exporter.sync.watermark import shift

BIN = 15
"""Seconds of ``updated_at`` that are compared together."""
COMPARED_ROWS = 20_000
"""Updated entries that are compared in every poll; more of them in turn."""
COMPARED_IDS = 100_000
"""Ids between the watermarks that are compared in every poll; more of them in turn."""
LATE_IDS = 50_000
"""Ids that are listed at a time where late ones were found."""
MOST_VERSIONS = 20_000
"""Updated entries beyond which the whole ledger is compared instead of looking each up."""


@dataclass
class Certain:
    """What a poll has certainly to read. What it holds in memory only saves work: a restart loses no row."""

    batches: BatchReader
    lookback: timedelta
    _late: Budget = field(default_factory=lambda: Budget(COMPARED_IDS))
    _updates: Budget = field(default_factory=lambda: Budget(COMPARED_ROWS))
    _bins: dict[int, Sums] = field(default_factory=dict)
    """Of the updates that are in the rollups, by bin."""
    _seen: dict[int, Sums] = field(default_factory=dict)
    """Of the updates that were seen last; they are in the rollups when all that was read is."""
    suspects: list[Span] = field(default_factory=list)
    """Spans of time that must be compared, because entries were updated or have vanished."""
    overrun: bool = False
    """Whether there were too many updates, so that the whole ledger must be compared."""

    def forget(self) -> None:
        """Begin again, for a ledger that is built again."""
        self._bins, self._seen = {}, {}
        self.suspects.clear()
        self.overrun = False

    async def take(self, step: Step) -> bool:
        """Bring the entries that are certainly new or changed into the rollups. Returns False if some are left.

        Raises:
            SourceError, TimeoutError: reading them failed.
        """
        position = await step.reader.position()
        step.untimed = position.untimed
        step.oldest = position.oldest
        files: list[Path] = []
        rows, complete, high, late = 0, True, None, set[int]()
        if step.reader.numbered:
            before = step.watermark
            late, complete = await self._late_ids(step)
            if position.newest_id is not None and position.newest_id > before.high:
                file, rows, high = await self.batches.new(step.reader, before.high, position.newest_id)
                files.append(file)
                complete &= high >= position.newest_id
        updated = await self._updated(step, position, late) if complete and step.reader.tracked else set[int | str]()
        found, among = await self.batches.among(step.reader, list(late | updated))
        files, rows = files + found, rows + among
        if files:
            await step.apply(files, rows, high=high)
        if complete:
            self._bins = self._seen
            step.progress = replace(step.progress, updated_at=_latest(step, position))
        return complete

    async def _late_ids(self, step: Step) -> tuple[set[int], bool]:
        """The ids between the watermarks that have appeared since, and whether there are no more of them.

        Notes in the step when they could not be looked for in this poll, so that the low watermark stays.
        """
        mark = step.watermark
        if mark.low >= mark.high:
            return set(), True
        rollups, run = step.context.rollups, step.context.worker.run
        least = await run(rollups.least_pending, step.ledger, mark.low)
        # The low watermark of a ledger that was empty lies far below all ids.
        by = shift(mark.low if least is None else least - 1, mark.high)
        known = await run(rollups.pending_bins, step.ledger, mark.low, by)
        step.passing = self._late.due(sum(count for count, _ in known.values()))
        if not step.passing:
            return set(), True
        found = await _id_bins(step.reader, mark.low, mark.high, by)
        differing = sorted({number for number, _ in found.items() ^ known.items()})
        if not differing:
            return set(), True
        bins = _first_bins(differing, found)
        ids = set(await step.reader.ids(mark.low, mark.high, by, bins))
        pending = await run(rollups.pending, step.ledger, mark.low, by, bins)
        await self._vanished(step, [number for number in pending if number not in ids], pending)
        return ids - pending.keys(), len(bins) == len(differing)

    async def _vanished(self, step: Step, ids: list[int], pending: dict[int, Key | None]) -> None:
        """Suspect the ranges of counted entries that are gone. Forget the entries that are gone and were not counted."""
        self.suspects += (ranges.minute(step.calendar, key) for number in ids if (key := pending[number]))
        if uncounted := [number for number in ids if pending[number] is None]:
            await step.context.worker.run(step.context.rollups.forget_pending, step.ledger, uncounted)

    async def _updated(self, step: Step, position: Position, late: set[int]) -> set[int | str]:
        """The ids of entries that were updated, where entries are kept one by one; else their ranges are suspected."""
        latest = _latest(step, position)
        if latest is None:
            return set()
        # Where the last poll left off: that may be long ago.
        followed = step.progress.updated_at or min(latest, step.progress.last_success)
        since, oldest = _bin(followed - self.lookback), _bin(latest - self.lookback)
        if not self._updates.due(sum(count for count, _ in self._bins.values())):
            since = _bin(followed) - 1
        found = await self._update_bins(step, since)
        if found is None:
            self.overrun = True
            return set()
        before = {item for item in self._bins.items() if item[0] >= since}
        changed = sorted({number for number, _ in before ^ found.items()} & found.keys())
        self._seen = {number: sums for number, sums in self._bins.items() if oldest <= number < since} | found
        return await self._changed(step, changed, late) if changed else set()

    async def _update_bins(self, step: Step, since: int) -> dict[int, Sums] | None:
        try:
            return await step.reader.update_bins(_start(since), BIN)
        except SlowError:
            return None

    async def _changed(self, step: Step, bins: list[int], late: set[int]) -> set[int | str]:
        span = Span(_start(bins[0]), _start(bins[-1] + 1))
        versions = await step.reader.versions(span, BIN, bins, MOST_VERSIONS)
        if len(versions) > MOST_VERSIONS:
            self.overrun = True
            return set()
        high = step.progress.high
        # Those above the high watermark, and the late ones, are read as new ones.
        told = [each for each in versions if each.id not in late and (high is None or int(each.id) <= high)]
        if step.ledger == "costs":
            await self._suspect(step, told)
            return set()
        keys, checksums = [each.key for each in told], [each.checksum for each in told]
        run, rollups = step.context.worker.run, step.context.rollups
        unknown, changed = await run(rollups.unknown, keys, checksums)
        if step.reader.numbered and unknown:
            held = await run(rollups.compacted, [int(each.id) for each in told if each.key in unknown])
            self.suspects += (ranges.minute(step.calendar, key) for key in held)
        return {each.id for each in told if each.key in unknown | changed}

    async def _suspect(self, step: Step, versions: list[Version]) -> None:
        """Suspect the ranges in which updated entries are, and those in which they may have been before."""
        self.suspects += (Span(each.occurred_at, each.occurred_at + MICROSECOND) for each in versions if each.occurred_at)
        if step.reader.numbered and versions:
            ids = [int(each.id) for each in versions]
            held = await step.context.worker.run(step.context.rollups.holding, step.ledger, ids)
            self.suspects += (ranges.minute(step.calendar, key) for key in held)


def _latest(step: Step, position: Position) -> datetime | None:
    """The latest ``updated_at`` that was ever seen."""
    return max(filter(None, (position.updated_at, step.progress.updated_at)), default=None)


def _bin(instant: datetime) -> int:
    return int(instant.timestamp() // BIN)


def _start(number: int) -> datetime:
    """Where a bin begins."""
    return datetime.fromtimestamp(number * BIN, UTC)


def _first_bins(bins: list[int], found: Mapping[int, Sums]) -> list[int]:
    """The first of the bins, as many as hold so many ids as are listed at a time; one at least."""
    counts = accumulate(found[number].entries if number in found else 0 for number in bins)
    return bins[: max(1, sum(1 for count in counts if count <= LATE_IDS))]


async def _id_bins(reader: EntryReader, low: int, high: int, by: int) -> dict[int, Sums]:
    """The bins between two ids, asked for in halves where that takes too long."""
    try:
        return await reader.id_bins(low, high, by)
    except SlowError:
        last = ((low + high) // 2 >> by << by) - 1  # of a bin
        if last <= low:
            last += 1 << by
        if not low < last < high:
            raise
    # No bin lies on both sides, but for the one that holds the least id.
    return await _id_bins(reader, low, last, by) | await _id_bins(reader, last, high, by)
