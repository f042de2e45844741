"""What the quests of the simulated fleet may spend: allocations of a day, and budgets of longer periods."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from exporter.demo.catalogue import QUESTS

REVIEWS = (Decimal("0.9"), Decimal(1), Decimal(1), Decimal("1.1"))


class Allocation(NamedTuple):
    """A row of ``quest_budget_allocations`` at the start of its day."""

    quest_id: str
    day: date
    allocated_usd: Decimal


class Budget(NamedTuple):
    """A row of ``quest_budgets``: what a quest may spend from the first day of a period to the last one."""

    quest_id: str
    starts_on: date
    ends_on: date
    budget_usd: int


def allocations(seed: int, day: date) -> list[Allocation]:
    """The allocations of the day: the usual amount, or 10 % less or more for a whole week."""
    rng = Random(f"{seed}/{day:%G-%V}")  # noqa: S311 - a simulation
    return [Allocation(quest.id, day, quest.allocation * rng.choice(REVIEWS)) for quest in QUESTS if quest.allocation]


def periods(day: date) -> list[Budget]:
    """The budgets of the weeks, months and quarters that begin on the day."""
    return [
        Budget(quest.id, day, last, quest.budget[1])
        for quest in QUESTS
        if quest.budget and (last := _last_day(quest.budget[0], day))
    ]


def _last_day(period: str, day: date) -> date | None:
    """The last day of the week, month or quarter that begins on the day; None if none does."""
    if period == "week":
        return None if day.weekday() else day + timedelta(days=6)
    months = {"month": 1, "quarter": 3}[period]
    if day.day > 1 or (day.month - 1) % months:
        return None
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1) - timedelta(days=1)
