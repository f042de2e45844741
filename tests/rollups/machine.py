"""A ledger that changes at random, of which each entry is remembered here, and what the rollups know is compared with it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from exporter.rollups.ranges import Key
from exporter.rollups.staging import Place
from tests.rollups import naive
from tests.rollups.entries import FIRST, NOW, TODAY, Entry, Store, at

LOW = 0
"""The low watermark. A first build has ids below it, all that is read later has ids above."""
DAYS = st.sampled_from([FIRST, FIRST + timedelta(days=1), TODAY, TODAY + timedelta(days=1)])
MINUTES = st.sampled_from([0, 1, 59, 60, 61, 64, 119, 1439])
AMOUNTS = st.none() | st.sampled_from([Decimal(0), Decimal("0.1"), Decimal(-3)]) | st.decimals(-1000, 1000, places=15)
TOKENS = st.none() | st.sampled_from([Decimal(0), Decimal(700), Decimal(-2), Decimal(9) * 10**18])
# A step takes most of a tenth of a second, so shrinking can take minutes and must be enabled manually.
SOME = settings(max_examples=10, stateful_step_count=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
CHECKSUMS = st.integers(-(2**63), 2**63 - 1)


def entries(
    labels: Mapping[str, st.SearchStrategy[object]], numbers: Mapping[str, st.SearchStrategy[object]]
) -> st.SearchStrategy[list[Entry]]:
    """Entries without keys, some of which are rejected and have no numbers."""
    told = {"occurred_at": st.builds(at, DAYS, MINUTES, st.integers(0, 59)), "checksum": CHECKSUMS, **labels}
    good = st.fixed_dictionaries(told | dict(numbers))
    bad = st.fixed_dictionaries(told | dict.fromkeys(numbers, st.none()) | {"rejection_reason": st.just("not_finite")})
    return st.lists(st.one_of(good, good, good, bad), min_size=1, max_size=6)


class Machine(RuleBasedStateMachine):
    """``entries`` are all that were read, by key."""

    LEDGER: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.store = Store(Path(self.directory.name))
        self.entries: dict[int, Entry] = {}
        self.settled: tuple[date, int] = (date.min, 0)
        self.numbers = count(LOW + 1)

    def teardown(self) -> None:
        self.store.rollups.close()
        self.directory.cleanup()

    def build(self, batches: Iterable[Iterable[Entry]]) -> None:
        """A first build in steps."""
        self.store.rollups.begin(self.LEDGER, "building")
        for batch in batches:
            rows = [{**entry, "key": LOW - next(self.numbers)} for entry in batch]
            self.store.rollups.build(self.store.changes(self.LEDGER, rows, place=self.place))
            self.entries |= {row["key"]: row for row in rows}
        self.store.rollups.finish(self.LEDGER, "built")

    def apply(self, rows: list[Entry], replaced: Iterable[Key] = ()) -> None:
        self.store.apply(self.LEDGER, rows, sorted(replaced), place=self.place, low=LOW)
        self.entries |= {row["key"]: row for row in rows}

    def ranges(self, which: Iterable[int]) -> set[Key]:
        """Some of the ranges that are known."""
        known = self.store.known(self.LEDGER)
        return {known[number % len(known)].key for number in which if known}

    def forget(self, replaced: set[Key]) -> list[Entry]:
        """Take the entries out that are in some ranges."""
        known = self.store.known(self.LEDGER)
        found = [entry for entry in self.here if naive.holder(known, entry).key in replaced]
        for entry in found:
            del self.entries[entry["key"]]
        return found

    @property
    def here(self) -> list[Entry]:
        """The entries whose day has begun."""
        return [entry for entry in self.entries.values() if entry["occurred_at"].date() <= TODAY]

    @property
    def place(self) -> Place:
        return Place(TODAY, *self.settled)

    @rule(day=DAYS, hour=st.integers(0, 23))
    def settle(self, day: date, hour: int) -> None:
        self.settled = max(self.settled, (day, hour))
        self.store.rollups.settle(self.LEDGER, self.settled, "settled")

    @rule()
    def reopen(self) -> None:
        self.store.reopen()

    @invariant()
    def ranges_hold_the_entries(self) -> None:
        known = self.store.known(self.LEDGER)
        found = {(each.day, each.minute, each.minutes, each.entries, each.checksum, each.keys) for each in known}
        assert found == naive.ranges(known, self.here)
        assert len(found) == len(known)
        assert set(self.store.rollups.rejected()) == naive.rejected(self.LEDGER, self.here)

    @invariant()
    def the_newest_entry_is_known(self) -> None:
        for moment in (NOW, datetime.combine(TODAY, time.max, UTC)):
            happened = [entry["occurred_at"].replace(tzinfo=UTC) for entry in self.here]
            expected = max((each for each in happened if each <= moment), default=None)
            assert self.store.rollups.newest(moment).get(self.LEDGER) == expected

    @invariant()
    def entries_above_the_low_watermark_are_remembered(self) -> None:
        known, here = self.store.known(self.LEDGER), self.here
        expected = {entry["key"]: naive.holder(known, entry).key if entry in here else None for entry in self.entries.values()}
        found = self.store.rollups.pending(self.LEDGER, LOW, 6, [*range(10)])
        assert found == {key: where for key, where in expected.items() if key > LOW}
