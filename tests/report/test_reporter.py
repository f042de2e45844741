"""What a reporter keeps from report to report changes no number."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.metrics import Sample
from exporter.report import rankings
from exporter.report.reporter import Reading, Report, Reporter
from tests.rollups.entries import LEDGERS, NOW, TODAY, Entry, Store, at, configure

BACK = st.sampled_from([0, 0, 1, 7, 29, 400])
TASKS, QUESTS = st.sampled_from(["t1", "t2", "t3", "t4", None]), st.sampled_from(["q1", "q2", None])
USD = st.sampled_from([Decimal("-0.25"), Decimal(0), Decimal("0.1"), Decimal(3), None])
SMALL = {"report": {"top": 2}, "limits": {"max_series": 300, "models_per_provider": 2, "max_providers": 1}}
SHORT = {"report": {"top": 1, "quest_top": 1}}
NARROW = st.integers(350, 900).map(lambda most: {"limits": {"max_series": most}})
"""There is room for rankings of each quest, but not always for long ones."""


class Poll(NamedTuple):
    """Entries that come, and how many days ago all that was known goes."""

    ledger: str
    entries: list[Entry]
    replaced: list[int]


def moment(back: int) -> dict[str, Any]:
    return {"occurred_at": at(TODAY - timedelta(days=back), 0), "checksum": back}


CALLS = st.builds(
    lambda back, columns: columns | moment(back) | {"key": 1},
    BACK,
    st.fixed_dictionaries(
        {
            "task_id": TASKS, "quest_id": QUESTS, "provider": st.sampled_from(["codex", "own", "p"]), "usd": USD,
            "model": st.sampled_from(["m1", "m2", "m3"]), "input_tokens": st.just(Decimal(7)),
            "output_tokens": st.just(Decimal(2)),
        }
    ),
)  # fmt: skip
OUTCOMES = st.builds(
    lambda back, columns: columns | moment(back),
    BACK,
    st.fixed_dictionaries(
        {
            "key": st.integers(1, 6), "task_id": TASKS.filter(bool), "quest_id": QUESTS, "usd": USD,
            "layer": st.sampled_from(["Forge", None]), "title": st.sampled_from(["Title", "Other", None]),
            "tokens": st.sampled_from([Decimal(500), Decimal(2000), Decimal(3000)]),
            "impact": st.sampled_from([None, Decimal("0.2"), Decimal(1), Decimal(9)]),
        }
    ),
)  # fmt: skip
REPLACED = st.lists(BACK, max_size=1)
POLLS = st.one_of(
    st.builds(Poll, st.just("costs"), st.lists(CALLS, max_size=4), REPLACED),
    st.builds(Poll, st.just("impacts"), st.lists(OUTCOMES, max_size=4, unique_by=lambda entry: entry["key"]), REPLACED),
)


@contextmanager
def opened(directory: Path, **keys: Any) -> Iterator[Store]:
    directory.mkdir()
    store = Store(directory, configure(**keys))
    store.begin("costs", "impacts")
    yield store
    store.rollups.close()


def apply(store: Store, poll: Poll) -> None:
    store.apply(poll.ledger, poll.entries, [(TODAY - timedelta(days=back), 0) for back in poll.replaced])


def made(reporter: Reporter) -> Report:
    return reporter.make({name: Reading(up=True, last_success=NOW) for name in LEDGERS}, NOW)


def numbers(report: Report) -> dict[str, list[Sample]]:
    assert not report.errors
    return {family.metric.name: list(family.samples) for family in report.families}


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.lists(POLLS, min_size=1, max_size=6),
    st.one_of(st.sampled_from([{}, SMALL, SHORT]), NARROW),
    st.integers(0, 2),
    st.sampled_from([0, 1, rankings.MOST_SINGLE]),
)
def test_a_report_is_the_same_whatever_is_kept(polls: list[Poll], keys: dict[str, Any], spare: int, most: int) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryDirectory() as scratch,
        opened(Path(scratch) / "kept", **keys) as store,
        opened(Path(scratch) / "fresh", **keys) as other,
    ):
        patch.setattr(rankings, "SPARE", spare)
        patch.setattr(rankings, "MOST_SINGLE", most)
        keeping = Reporter(store.rollups, store.config)
        made(keeping)
        for poll in polls:
            apply(store, poll)
            apply(other, poll)
            kept, fresh = made(keeping), made(Reporter(other.rollups, other.config))
            assert numbers(kept) == numbers(fresh)
            assert kept.folded == fresh.folded
