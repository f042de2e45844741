"""Calls in the rollups: whatever is added and replaced, they are the sums of the entries that are there."""

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from exporter.columns import COST_SUMS, listed
from tests.rollups import naive
from tests.rollups.entries import Entry
from tests.rollups.machine import AMOUNTS, SOME, TOKENS, Machine, entries

ENTRIES = entries(
    {
        "task_id": st.sampled_from(["t1", "t2", None]),
        "quest_id": st.sampled_from(["q1", "q2", None]),
        "provider": st.sampled_from(["p1", "p2", None]),
        "model": st.sampled_from(["m1", "m2", None]),
    },
    {"usd": AMOUNTS, "input_tokens": TOKENS, "output_tokens": TOKENS},
)
FATES = st.lists(st.none() | st.tuples(AMOUNTS), min_size=1)
"""Of entries that are read again: gone (None), or with another price."""
SUMS = listed(COST_SUMS, "sum({name})")
CELL = "quest_id, provider, model"


class Costs(Machine):
    LEDGER = "costs"

    @initialize(batches=st.lists(ENTRIES, max_size=2))
    def begin(self, batches: list[list[Entry]]) -> None:
        self.build(batches)

    @rule(added=ENTRIES)
    def add(self, added: list[Entry]) -> None:
        self.apply([{**entry, "key": next(self.numbers)} for entry in added])

    @rule(which=st.sets(st.integers(0, 9), min_size=1), fates=FATES)
    def replace(self, which: set[int], fates: list[tuple[Decimal | None] | None]) -> None:
        replaced = self.ranges(which)
        before = self.forget(replaced)
        after = [(entry, fates[number % len(fates)]) for number, entry in enumerate(before)]
        self.apply([corrected(entry, *fate) for entry, fate in after if fate], replaced)

    @invariant()
    def calls_are_summed_up_by_range(self) -> None:
        known = self.store.known("costs")
        expected = naive.costs(self.here, lambda each: (*naive.holder(known, each).key, each["task_id"], *naive.cell(each)))
        query = f"SELECT day, minute, task_id, {CELL}, {SUMS} FROM costs LEFT JOIN tasks USING (task)"
        assert self.found(query, 6) == expected

    @invariant()
    def totals_follow(self) -> None:
        days = naive.costs(self.here, lambda each: (each["occurred_at"].date(), *naive.cell(each)))
        assert self.found(f"SELECT day, {CELL}, {SUMS} FROM cost_days", 4) == days

    def found(self, query: str, keys: int) -> dict[naive.Row, naive.Row]:
        """The rows of a query that have calls, by their first columns, with the names of quests and models."""
        rows = self.store.rows(f"{query} JOIN quests USING (quest) JOIN models USING (model_key) GROUP BY ALL")
        return {row[:keys]: row[keys:] for row in rows if row[keys]}


def corrected(entry: Entry, usd: Decimal | None) -> Entry:
    """The same with another price, unless it was rejected."""
    return entry if entry.get("rejection_reason") else {**entry, "usd": usd, "checksum": entry["checksum"] // 2}


TestCosts = Costs.TestCase
TestCosts.settings = SOME
