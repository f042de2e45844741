"""Money and calls by window, whatever is kept from the report before."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.columns import COST_SUMS, listed
from exporter.report import costs
from exporter.report.context import ReportContext
from exporter.rollups import PAST
from tests.rollups import naive
from tests.rollups.entries import TODAY, Entry, Store, at, configure

FIRST_DAYS = {"1d": TODAY, "7d": TODAY - timedelta(days=6), "30d": TODAY - timedelta(days=29), "lifetime": date.min}
SUMS = listed(COST_SUMS, "sum({name})")
BACK = st.sampled_from([0, 0, 1, 6, 7, 29, 30, 400])


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


@contextmanager
def opened(**keys: Any) -> Iterator[Store]:
    with TemporaryDirectory() as directory:
        store = Store(Path(directory), configure(**keys))
        store.begin("costs", "impacts")
        yield store
        store.rollups.close()


def by_window(entries: list[Entry]) -> dict[naive.Row, naive.Row]:
    found: dict[naive.Row, naive.Row] = {}
    for window, first in FIRST_DAYS.items():
        within = [entry for entry in entries if entry["occurred_at"].date() >= first]
        found |= {(window, *cell): sums for cell, sums in naive.costs(within, naive.cell).items()}
    return found


def reported(report: ReportContext) -> dict[naive.Row, naive.Row]:
    named = "window_costs JOIN quests USING (quest) JOIN models USING (model_key)"
    rows = report.rows(
        f"SELECT time_window, quest_id, provider, model, {SUMS} FROM {named} GROUP BY ALL HAVING sum(calls) <> 0"
    )
    return {row[:4]: row[4:] for row in rows}


@settings(max_examples=20)
@given(st.lists(CALLS, min_size=1, max_size=3))
def test_each_window_holds_the_calls_of_its_days(polls: list[list[Entry]]) -> None:
    read: list[Entry] = []
    with opened() as store:
        for number, added in enumerate(polls):
            before = store.rollups.revisions[PAST]
            store.apply("costs", added)
            read += added
            report = store.report
            costs.prepare(report, past=number == 0 or store.rollups.revisions[PAST] != before)
            assert reported(report) == by_window(read)


def test_spend_by_quest_comes_from_calls() -> None:
    with opened() as store:
        store.apply("costs", [call(1, 0, "2"), call(2, 0, "-0.5", model="other"), call(3, 8, "4")])
        report = store.report
        costs.prepare(report, past=True)
        windows = report.rows("SELECT time_window, sum(usd) FROM quest_windows GROUP BY ALL ORDER BY ALL")
        days = report.rows("SELECT day, sum(usd) FROM quest_days GROUP BY ALL ORDER BY ALL")
    assert windows == [("1d", Decimal("1.5")), ("30d", Decimal("5.5")), ("7d", Decimal("1.5")), ("lifetime", Decimal("5.5"))]
    assert days == [(TODAY - timedelta(days=8), 4), (TODAY, Decimal("1.5"))]


def test_without_calls_spend_is_what_allocations_report() -> None:
    with opened(ledgers={"allocations": {"database": "main"}}) as store:
        days = [(TODAY, "3"), (TODAY - timedelta(days=7), "5"), (TODAY - timedelta(days=8), None)]
        rows = [{"day": day, "quest_id": "q", "allocated_usd": 9, "spent_usd": usd, "entries": 1} for day, usd in days]
        store.rollups.begin("allocations", "")
        store.rollups.replace_allocations([store.files.write("allocations", rows)], [(day, 1, 0) for day, _ in days], "read")
        report = store.report
        costs.prepare(report, past=True)
        windows = report.rows("SELECT time_window, usd FROM quest_windows ORDER BY ALL")
    assert windows == [("1d", 3), ("30d", 3), ("30d", 5), ("7d", 3), ("lifetime", 3), ("lifetime", 5)]


def test_the_usual_course_is_that_of_28_days_without_credits() -> None:
    with opened() as store:
        store.apply("costs", [call(1, 28, "2", 61), call(2, 28, "3", 119), call(3, 1, "4", 0), call(4, 1, "-9", 1)])
        store.apply("costs", [call(5, 0, "16"), call(6, 29, "32")])
        report = store.report
        costs.prepare(report, past=True)
        hours = report.rows("SELECT day, hour, positive_usd FROM recent_hours ORDER BY ALL")
        first = report.rows("FROM first_cost_day")
    assert hours == [(TODAY - timedelta(days=28), 1, 5), (TODAY - timedelta(days=1), 0, 4)]
    assert first == [(TODAY - timedelta(days=29),)]


def test_the_first_day_of_costs_is_unknown_while_it_is_today() -> None:
    with opened() as store:
        store.apply("costs", [call(1, 0), call(2, 40)])
        store.apply("costs", [], [(TODAY - timedelta(days=40), 0)])
        report = store.report
        costs.prepare(report, past=True)
        assert report.rows("FROM first_cost_day") == [(None,)]
