"""Budgets of the naive model: of each quest and period those that hold today, and what was spent of them.

Where the written definitions are ambiguous, the simplest reading is used:

- An allocation is a budget of one day. Several rows of the same days are summed up.
- Of several budgets of one quest and period, the one that began last holds.
- The pace of a period is what its days before today brought, and today at its end; in the first half hour, the days before.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction

from tests.integration import money
from tests.integration.books import period
from tests.integration.page import Amount, Page, sums
from tests.integration.rules import QUEST, Reading

PERIOD = (*QUEST, "period")
Key = tuple[tuple[str, str, str], str, date, date | None]
"""The quest, the name of the period, and its first and its last day."""


def budgets(page: Page, reading: Reading) -> None:
    """What each quest may spend in the periods that hold today, what it has spent, and where it is heading."""
    held = sums((key, amount) for key, amount in _all(reading) if _holds(key, reading.today) and amount is not None)
    for (quest, name, start, end), amount in held.items():
        if any(key[:2] == (quest, name) and key[2] > start for key in held):
            continue
        labels = (*quest, name)
        page.put("resource_quest_budget_usd", PERIOD, labels, amount)
        _spent(page, reading, (quest, name, start, end))
        if end is not None:
            first, last = money.midnight(reading, start), money.midnight(reading, end + timedelta(days=1))
            tick = timedelta(microseconds=1)
            ratio = Fraction((reading.now - first) // tick, (last - first) // tick)
            page.put("resource_quest_budget_elapsed_ratio", PERIOD, labels, ratio)
            page.put("resource_quest_budget_end_timestamp_seconds", PERIOD, labels, Fraction(int(last.timestamp())))


def _spent(page: Page, reading: Reading, key: Key) -> None:
    if reading.books.costs is None and (reading.books.allocations is None or "allocations.spent_usd" in reading.books.unmapped):
        return
    quest, name, start, end = key
    if "costs.quest_id" in reading.books.unmapped and quest[0] != "unassigned":
        return
    spent = [
        (day, Fraction(usd or 0))
        for whose, day, usd in money.spent(reading)
        if whose == quest and start <= day <= reading.today
    ]
    total, today = (
        sum((usd for _, usd in spent), Fraction()),
        sum((usd for day, usd in spent if day == reading.today), Fraction()),
    )
    page.put("resource_quest_budget_spend_usd", PERIOD, (*quest, name), total)
    if end is None:
        return
    days, gone = (end - start).days + 1, (reading.today - start).days
    if reading.now - money.midnight(reading, reading.today) >= timedelta(minutes=30):
        at_midnight = max(today, today / (money.usual_share(reading) or money.elapsed(reading)))
        projected = (total - today + at_midnight) / (gone + 1) * days
    elif gone:
        projected = (total - today) / gone * days
    else:
        return
    page.put("resource_quest_budget_projected_spend_usd", PERIOD, (*quest, name), projected)


def _all(reading: Reading) -> Iterator[tuple[Key, Amount]]:
    for row in reading.allocations:
        day = reading.day(row)
        yield (reading.quest(row.quest_id), "day", day, day), row.allocated_usd
    for budget in reading.books.budgets or ():
        name = budget.period or period(budget.starts_on, budget.ends_on)
        yield (reading.quest(budget.quest_id), name, budget.starts_on, budget.ends_on), budget.budget_usd


def _holds(key: Key, today: date) -> bool:
    return key[2] <= today and (key[3] is None or today <= key[3])
