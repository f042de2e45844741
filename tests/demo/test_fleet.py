"""The simulation without a database. Its dates and seeds are fixed, so the results are the same in every run."""

import hashlib
import subprocess
import sys
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain, pairwise

import pytest

from exporter.demo.budgets import periods
from exporter.demo.fleet import Events, Fleet
from tests.conftest import ROOT
from tests.demo.conftest import NOW

MIDNIGHT = datetime(2026, 3, 18, tzinfo=UTC)
DIGEST = """
import hashlib, sys
from datetime import datetime
from exporter.demo.fleet import Fleet

now = datetime.fromisoformat(sys.argv[1])
print(hashlib.sha256(repr(Fleet(20, now).events(now.replace(day=15), now)).encode()).hexdigest())
"""


def _minutes(fleet: Fleet, count: int) -> list[Events]:
    """The events of each minute after the history."""
    instants = [fleet.now + timedelta(minutes=number) for number in range(count + 1)]
    return [fleet.events(*span) for span in pairwise(instants)]


def test_same_seed_is_same_history_in_every_process() -> None:
    here = hashlib.sha256(repr(Fleet(20, NOW).events(NOW.replace(day=15), NOW)).encode()).hexdigest()
    for hash_seed in ("1", "2"):
        digest = subprocess.run(
            [sys.executable, "-c", DIGEST, NOW.isoformat()],
            cwd=ROOT,
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert digest.stdout.strip() == here


def test_another_seed_is_another_history() -> None:
    assert Fleet(20, NOW).events(MIDNIGHT, NOW).calls != Fleet(21, NOW).events(MIDNIGHT, NOW).calls


def test_history_has_45_days_and_today_until_now() -> None:
    days = list(Fleet(20, NOW).days())
    assert len(days) == 46
    assert days[0][0] == datetime(2026, 2, 1, tzinfo=UTC)
    assert days[-1] == (MIDNIGHT, NOW)
    assert all(earlier[1] == later[0] for earlier, later in pairwise(days))


def test_at_midnight_the_history_has_no_part_of_today() -> None:
    days = list(Fleet(20, MIDNIGHT).days())
    assert len(days) == 45
    assert days[-1][1] == MIDNIGHT


def test_the_events_of_an_hour_are_those_of_its_minutes() -> None:
    fleet = Fleet(20, NOW)
    whole, parts = fleet.events(NOW, NOW + timedelta(hours=1)), _minutes(fleet, 60)
    assert whole.calls == list(chain.from_iterable(part.calls for part in parts))
    assert {impact.task_id for impact in whole.judged} == {impact.task_id for part in parts for impact in part.judged}
    assert len(whole.calls) > 100


def test_all_events_are_within_the_span() -> None:
    after, until = NOW + timedelta(minutes=3), NOW + timedelta(minutes=90)
    events = Fleet(20, NOW).events(after, until)
    instants = [call.created_at for call in events.calls] + [impact.updated_at for impact in events.judged + events.rescored]
    assert all(after <= instant < until for instant in instants)
    assert all(impact.created_at < after and impact.impact_score is not None for impact in events.rescored)


def test_the_fleet_is_faster_than_real_time_at_first_only() -> None:
    """The fleet is two hours ahead after 17 minutes and then stays two hours ahead."""
    fleet = Fleet(20, NOW)
    first, later = fleet.events(NOW, NOW + timedelta(minutes=15)), fleet.events(*_quarter(NOW + timedelta(hours=1)))
    assert len(first.calls) > 4 * len(later.calls) > 0
    tomorrow = NOW.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    planned = Fleet(20, NOW + timedelta(days=5)).events(tomorrow + timedelta(hours=2), tomorrow + timedelta(hours=26))
    written = fleet.events(tomorrow, tomorrow + timedelta(days=1))
    assert [call.created_at - timedelta(hours=2) for call in planned.calls] == [call.created_at for call in written.calls]


def _quarter(begin: datetime) -> tuple[datetime, datetime]:
    return begin, begin + timedelta(minutes=15)


def test_a_new_day_has_new_allocations() -> None:
    fleet = Fleet(20, datetime(2026, 3, 18, 23, 59, 58, tzinfo=UTC))
    seconds = [fleet.now + timedelta(seconds=number) for number in range(5)]
    allocations = [fleet.events(*span).allocations for span in pairwise(seconds)]
    assert [len(each) for each in allocations] == [0, 0, 11, 0]
    assert {allocation.day.isoformat() for allocation in allocations[2]} == {"2026-03-19"}


@pytest.mark.parametrize("day", ["2026-01-01", "2026-03-15", "2026-03-18", "2026-06-05", "2026-11-21"])
@pytest.mark.parametrize("minutes", [10, 60, 720, 1439])
def test_whatever_the_time_a_quest_is_over_its_allocation_and_another_one_is_not(day: str, minutes: int) -> None:
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC)
    now = begin + timedelta(minutes=minutes)
    events = Fleet(20, now).events(begin, now)
    allocated = {each.quest_id: each.allocated_usd for each in events.allocations}
    assert _spent(events, "knowledge-graph") > allocated["knowledge-graph"]
    assert _spent(events, "open-questions") < allocated["open-questions"]


def _spent(events: Events, quest: str) -> Decimal:
    return sum((call.cost_usd or Decimal(0) for call in events.calls if call.quest_id == quest), Decimal(0))


def _week(fleet: Fleet, monday: str) -> list[Events]:
    """The events of each day of a week of the history."""
    days = [datetime.fromisoformat(monday).replace(tzinfo=UTC) + timedelta(days=number) for number in range(8)]
    return [fleet.events(*span) for span in pairwise(days)]


@pytest.mark.parametrize("monday", ["2026-02-16", "2026-03-02", "2026-03-09"])
def test_the_fleet_is_over_its_budget_on_one_or_two_days_of_a_week(monday: str) -> None:
    week = _week(Fleet(20, NOW), monday)
    over = [
        sum(call.cost_usd or Decimal(0) for call in day.calls) > sum(each.allocated_usd for each in day.allocations)
        for day in week
    ]
    assert 1 <= sum(over) <= 2


@pytest.mark.parametrize("monday", ["2026-02-16", "2026-03-02", "2026-03-09"])
def test_a_quest_is_over_its_budget_every_other_day(monday: str) -> None:
    over = [
        _spent(day, "replication-market") > allocation.allocated_usd
        for day in _week(Fleet(20, NOW), monday)
        for allocation in day.allocations
        if allocation.quest_id == "replication-market"
    ]
    assert len(over) == 7
    assert all(today is not tomorrow for today, tomorrow in pairwise(over))


def test_budgets_of_longer_periods_begin_with_them_and_those_before_the_history_still_hold() -> None:
    fleet = Fleet(20, NOW)  # it starts on Sunday, 1 February
    began = [budget for span in fleet.days() for budget in fleet.events(*span).budgets]
    begun = {(budget.quest_id, budget.starts_on.isoformat(), budget.ends_on.isoformat()) for budget in began}
    assert ("assay-design", "2026-02-02", "2026-02-08") in begun
    assert ("assay-design", "2026-02-23", "2026-03-01") in begun
    assert ("code-forge", "2026-02-01", "2026-02-28") in begun
    assert ("code-forge", "2026-03-01", "2026-03-31") in begun
    assert "protein-targets" not in {quest for quest, *_ in begun}
    assert {(each.quest_id, each.starts_on.isoformat(), each.ends_on.isoformat()) for each in fleet.running()} == {
        ("protein-targets", "2026-01-01", "2026-03-31"),
        ("knowledge-graph", "2026-01-26", "2026-02-01"),
        ("assay-design", "2026-01-26", "2026-02-01"),
    }


@pytest.mark.parametrize("year", [2026, 2028])
def test_periods_follow_the_calendar(year: int) -> None:
    """They are adjacent, and end on the last days of months and quarters, and on Sundays."""
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]
    found = [budget for day in days for budget in periods(day)]
    quarters = {(each.starts_on.month, each.ends_on.month) for each in found if each.quest_id == "protein-targets"}
    assert quarters == {(1, 3), (4, 6), (7, 9), (10, 12)}
    months = [each for each in found if each.quest_id == "code-forge" and each.starts_on.year == year]
    assert [each.ends_on.day for each in months] == [monthrange(year, month)[1] for month in range(1, 13)]
    weeks = [each for each in found if each.quest_id == "assay-design"]
    assert {(each.starts_on.isoweekday(), (each.ends_on - each.starts_on).days) for each in weeks} == {(1, 6)}
    assert len(weeks) in (52, 53)
