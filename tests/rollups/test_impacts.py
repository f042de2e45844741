"""Outcomes in the rollups: whatever is upserted and replaced, tasks are the sums of the entries that are there."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.rollups import naive
from tests.rollups.entries import FIRST, TODAY, Entry, Store, at
from tests.rollups.machine import AMOUNTS, SOME, TOKENS, Machine, entries

ENTRIES = entries(
    {
        "task_id": st.sampled_from(["t1", "t2", "t3"]),
        "quest_id": st.sampled_from(["q1", "q2", None]),
        "layer": st.sampled_from(["Agora", None]),
        "title": st.sampled_from(["Title", None]),
    },
    {"usd": AMOUNTS, "tokens": TOKENS, "impact": AMOUNTS},
)


class Impacts(Machine):
    LEDGER = "impacts"

    @initialize(batches=st.lists(ENTRIES, max_size=2))
    def begin(self, batches: list[list[Entry]]) -> None:
        self.build(batches)

    @rule(read=ENTRIES, known=st.sets(st.integers(0, 20), max_size=3))
    def upsert(self, read: list[Entry], known: set[int]) -> None:
        """The first of these are other versions of entries that were read before, the others are new."""
        before = [*self.entries]
        keys = [*{before[number % len(before)] for number in known if before}][: len(read)]
        keys += [next(self.numbers) for _ in read[len(keys) :]]
        self.apply([{**entry, "key": key} for entry, key in zip(read, keys, strict=True)])

    @rule(which=st.sets(st.integers(0, 20), min_size=1, max_size=3), usd=AMOUNTS, impact=AMOUNTS, good=st.booleans())
    def score(self, which: set[int], usd: Decimal | None, impact: Decimal | None, *, good: bool) -> None:
        """Entries of which nothing changes but the amounts, as with a late score, and whether they are rejected."""
        here = self.here
        told = {"usd": usd, "impact": impact, "rejection_reason": None}
        none = {"usd": None, "tokens": None, "impact": None, "rejection_reason": "not_finite"}
        some = [here[number] for number in {number % len(here) for number in which if here}]
        self.apply([{**entry, "checksum": ~entry["checksum"], **(told if good else none)} for entry in some])

    @rule(which=st.sets(st.integers(0, 9), min_size=1), left=st.lists(st.booleans(), min_size=1), added=ENTRIES)
    def replace(self, which: set[int], left: list[bool], added: list[Entry]) -> None:
        """Some ranges, of whose entries some are gone; others that are read with them are in other ranges now."""
        replaced = self.ranges(which)
        here = [entry for number, entry in enumerate(self.forget(replaced)) if left[number % len(left)]]
        self.apply([*here, *({**entry, "key": next(self.numbers)} for entry in added)], replaced)

    @invariant()
    def tasks_are_the_sums_of_their_entries(self) -> None:
        query = "SELECT task_id, quest_id, layer, title, usd, tokens, impact, reason"
        rows = self.store.rows(f"{query} FROM task_totals JOIN tasks USING (task) JOIN quests USING (quest)")
        expected = naive.task_totals(self.here)
        assert len(rows) == len(expected)
        assert {row[0]: row[1:] for row in rows} == expected

    @invariant()
    def totals_follow(self) -> None:
        query = (
            "SELECT quest_id, reason, tasks, scored, impact, usd, tokens FROM quest_outcome_totals JOIN quests USING (quest)"
        )
        expected = naive.quest_outcomes(naive.task_totals(self.here))
        assert {row[:2]: row[2:] for row in self.store.rows(query)} == expected

    @invariant()
    def each_entry_is_kept(self) -> None:
        rows = self.store.rows("SELECT key, day, minute, occurred_at, checksum FROM impacts")
        known = self.store.known("impacts")
        expected = {(each["key"], *naive.holder(known, each).key, each["occurred_at"], each["checksum"]) for each in self.here}
        assert sorted(rows) == sorted(expected)


TestImpacts = Impacts.TestCase
TestImpacts.settings = SOME


def outcome(key: int, **columns: object) -> Entry:
    return {"occurred_at": at(TODAY, 60), "key": key, "checksum": key, "task_id": "t", "quest_id": "q", **columns}


def totals(store: Store) -> list[tuple[object, ...]]:
    return store.rows("SELECT title, usd, tokens, impact, reason, efficiency FROM task_totals")


def test_a_late_score_changes_its_task(store: Store) -> None:
    store.apply("impacts", [outcome(1, usd=Decimal(2), tokens=Decimal(5000), title="first")])
    assert totals(store) == [("first", 2, 5000, None, "unscored", None)]
    store.apply("impacts", [outcome(1, usd=Decimal(2), tokens=Decimal(5000), impact=Decimal("0.5"), title="first")])
    assert totals(store) == [("first", 2, 5000, Decimal("0.5"), "low_impact", 0.25)]
    store.apply("impacts", [outcome(2, usd=Decimal(1), impact=Decimal(4), title="second")])
    assert totals(store) == [("second", 3, 5000, Decimal("4.5"), None, 1.5)]


def test_of_outcomes_at_the_same_time_the_one_with_the_greatest_id_is_the_latest(store: Store) -> None:
    store.apply("impacts", [outcome(number, title=str(number)) for number in (-5, 9, 10, -(2**63))])
    assert totals(store)[0][0] == "10"
    store.apply("impacts", [outcome(2, title="later", occurred_at=at(TODAY, 60, 1))])
    assert totals(store)[0][0] == "later"


def test_ids_that_are_no_numbers_are_ordered_as_texts(store: Store) -> None:
    store.apply("impacts", [outcome(number, name=name, title=name) for number, name in enumerate(("b", "a10", "a9"))])
    assert totals(store)[0][0] == "b"


def call(key: int, provider: str, **columns: object) -> Entry:
    return outcome(key, provider=provider, model="m", **columns)


@pytest.mark.parametrize(
    "calls, shares",
    [
        (
            [call(1, "codex", usd=Decimal(3)), call(2, "minimax", usd=Decimal(1)), call(3, "x", usd=Decimal(-9))],
            [(0.75, 6), (0.25, 2)],
        ),
        (
            [call(1, "codex", usd=Decimal(0), input_tokens=Decimal(9)), call(2, "minimax", output_tokens=Decimal(1))],
            [(0.9, 7.2), (0.1, 0.8)],
        ),
        ([call(1, "codex"), call(2, "minimax"), call(3, "codex"), call(4, "codex")], [(0.75, 6), (0.25, 2)]),
    ],
    ids=["money", "tokens", "calls"],
)
def test_an_outcome_is_shared_out_by_what_its_task_called(
    store: Store, calls: Sequence[Entry], shares: list[tuple[float, float]]
) -> None:
    store.apply("impacts", [outcome(1, usd=Decimal(2), tokens=Decimal(10), impact=Decimal(8))])
    assert store.rows("SELECT family, impact FROM provider_outcome_totals") == [("unknown", 8)]
    store.apply("costs", calls)
    found = store.rows("SELECT family, share FROM task_providers WHERE share > 0 ORDER BY family")
    assert found == [("Codex", shares[0][0]), ("MiniMax", shares[1][0])]
    brought = store.rows("SELECT family, tasks, impact::DOUBLE FROM provider_outcome_totals ORDER BY family")
    assert brought == [("Codex", 1, shares[0][1]), ("MiniMax", 1, shares[1][1])]


def test_a_task_keeps_its_totals_whose_latest_outcome_is_older_than_the_change(tmp_path: Path) -> None:
    """A join on row ids, of old and new rows at once, loses the old ones in DuckDB 2.0.0, but not every time."""
    rejected = {"rejection_reason": "not_finite"}
    two = [
        outcome(-1, task_id="t1", occurred_at=at(TODAY, 119), **rejected),
        outcome(-2, task_id="t2", occurred_at=at(TODAY, 64), **rejected),
    ]
    others = [outcome(number, task_id=f"t{number}", occurred_at=at(FIRST, number), **rejected) for number in (1, 3)]
    found = set()
    for number in range(6):
        (directory := tmp_path / str(number)).mkdir()
        store = Store(directory)
        store.begin("costs")
        store.rollups.begin("impacts", "building")
        store.rollups.build(store.changes("impacts", [*two, outcome(-3, task_id="t3", occurred_at=at(TODAY, 59))]))
        store.rollups.finish("impacts", "built")
        changed = [*two, *others, outcome(2, task_id="t2", occurred_at=at(FIRST, 1439))]
        store.apply("impacts", changed, [(TODAY, 119), (TODAY, 64)])
        found |= {tuple(store.rows("SELECT task_id FROM task_totals JOIN tasks USING (task) ORDER BY ALL"))}
        store.rollups.close()
    assert found == {(("t2",), ("t3",))}
