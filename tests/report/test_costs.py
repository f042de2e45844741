"""Money and calls by window, whatever is kept from the report before."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.report.context import EXACT, summed
from exporter.report.costs import COURSE_DAYS, USD, CostSums
from tests.rollups import naive
from tests.rollups.entries import TODAY, Entry, Store, at, configure

FIRST_DAYS = {"1d": TODAY, "7d": TODAY - timedelta(days=6), "30d": TODAY - timedelta(days=29), "lifetime": date.min}
BACK = st.sampled_from([0, 0, 1, 6, 7, 29, 30, 400])
Found = dict[tuple[Any, ...], tuple[Decimal, ...]]


def call(number: int, back: int, usd: str | None = "1", minute: int = 0, **columns: Any) -> Entry:
    """A call so many days before today."""
    labels = {"checksum": number, "quest_id": "q", "provider": "p", "model": "m"}
    tokens = {"input_tokens": Decimal(number), "output_tokens": None}
    money = None if usd is None else Decimal(usd)
    return {"occurred_at": at(TODAY - timedelta(days=back), minute), "key": number, "usd": money, **labels, **tokens, **columns}


CALLS = st.lists(
    st.builds(
        call, st.integers(1, 99), BACK, st.sampled_from(["1", "-0.5", "0", None]), quest_id=st.sampled_from(["q1", "q2"]),
        model=st.sampled_from(["m1", "m2"]),
    ),
    max_size=12,
)  # fmt: skip
# Ranges whose calls are deleted by a poll.
DELETED = st.lists(BACK, max_size=2, unique=True)


@contextmanager
def opened(**keys: Any) -> Iterator[Store]:
    with TemporaryDirectory() as directory:
        store = Store(Path(directory), configure(**keys))
        store.begin("costs", "impacts")
        yield store
        store.rollups.close()


def days_ago(entry: Entry) -> int:
    day: date = entry["occurred_at"].date()
    return (TODAY - day).days


def expected(entries: list[Entry], *keys: str) -> Found:
    """The sums of each window by some columns of entries, computed one by one."""
    found: Found = {}
    for window, first in FIRST_DAYS.items():
        within = [entry for entry in entries if entry["occurred_at"].date() >= first]
        by_key = naive.costs(within, lambda entry: tuple(entry[key] for key in keys))
        found |= {(window, *values): sums for values, sums in by_key.items()}
    return found


def named(store: Store, sums: CostSums) -> tuple[Found, Found]:
    """The sums by window and model, and the money by window and quest, with their names, where there is any."""
    models = dict(store.rows("SELECT model_key, model FROM models"))
    quests = dict(store.rows("SELECT quest, quest_id FROM quests"))
    return (
        {(window, models[model]): found for (window, model), found in sums.models.items() if found[0]},
        {(window, quests[quest]): (usd,) for (window, quest), usd in sums.quests.items() if usd},
    )


@settings(max_examples=30)
@given(st.lists(st.tuples(CALLS, DELETED), min_size=1, max_size=4))
def test_sums_that_are_kept_are_those_of_all_calls(polls: list[tuple[list[Entry], list[int]]]) -> None:
    read: list[Entry] = []
    with opened() as store:
        sums = CostSums(store.report, folding=False)
        store.rollups.take_changes()
        for added, deleted in polls:
            store.apply("costs", [], [(TODAY - timedelta(days=back), 0) for back in deleted])
            store.apply("costs", added)
            read = [entry for entry in read if days_ago(entry) not in deleted] + added
            changes = store.rollups.take_changes()
            assert changes is not None
            sums.add(store.report, changes.totals["cost_days"])
            models, quests = named(store, sums)
            assert models == expected(read, "model")
            assert quests == {key: (found[USD],) for key, found in expected(read, "quest_id").items() if found[USD]}
            fresh = CostSums(store.report, folding=False)
            assert sums.cells == fresh.cells
            assert {key: usd for key, usd in sums.days.items() if usd} == {key: usd for key, usd in fresh.days.items() if usd}
            assert (sums.course, sums.first_day) == (fresh.course, fresh.first_day)


def test_sums_of_decimals_of_38_digits_are_exact() -> None:
    huge, least = Decimal("99999999999999999999999.000000000000001"), Decimal("0.000000000000001")
    parts = [("q", (huge,)), ("q", (huge,)), ("q", (least,))]
    with localcontext(EXACT):
        assert summed(parts) == {"q": (Decimal("199999999999999999999998.000000000000003"),)}


def test_spend_by_quest_comes_from_calls() -> None:
    with opened() as store:
        store.apply("costs", [call(1, 0, "2"), call(2, 0, "-0.5", model="other"), call(3, 8, "4")])
        sums = CostSums(store.report, folding=False)
    windows = {window: usd for (window, _), usd in sums.quests.items()}
    assert windows == {"1d": Decimal("1.5"), "7d": Decimal("1.5"), "30d": Decimal("5.5"), "lifetime": Decimal("5.5")}
    assert {day: usd for (day, _), usd in sums.days.items()} == {TODAY - timedelta(days=8): 4, TODAY: Decimal("1.5")}


def test_without_calls_spend_is_what_allocations_report() -> None:
    with opened(ledgers={"allocations": {"database": "main"}}) as store:
        days = [(TODAY, "3"), (TODAY - timedelta(days=7), "5"), (TODAY - timedelta(days=8), None)]
        rows = [{"day": day, "quest_id": "q", "allocated_usd": 9, "spent_usd": usd, "entries": 1} for day, usd in days]
        store.rollups.begin("allocations", "")
        store.rollups.replace_allocations([store.files.write("allocations", rows)], [(day, 1, 0) for day, _ in days], "read")
        sums = CostSums(store.report, folding=False)
    assert {window: usd for (window, _), usd in sums.quests.items()} == {"1d": 3, "7d": 3, "30d": 8, "lifetime": 8}
    assert {day: usd for (day, _), usd in sums.days.items()} == {TODAY: 3, TODAY - timedelta(days=7): 5}


def test_the_usual_course_is_that_of_28_days_without_credits() -> None:
    with opened() as store:
        store.apply("costs", [call(1, 28, "2", 61), call(2, 28, "3", 119), call(3, 1, "4", 0), call(4, 1, "-9", 1)])
        store.apply("costs", [call(5, 0, "16"), call(6, 29, "32")])
        sums = CostSums(store.report, folding=False)
    assert timedelta(days=28) == COURSE_DAYS
    assert sums.course == [4, 5, *[0] * 22]
    assert sums.first_day == TODAY - timedelta(days=29)


def test_the_first_day_of_costs_is_unknown_while_it_is_today() -> None:
    with opened() as store:
        store.apply("costs", [call(1, 0), call(2, 40)])
        store.apply("costs", [], [(TODAY - timedelta(days=40), 0)])
        assert CostSums(store.report, folding=False).first_day is None
