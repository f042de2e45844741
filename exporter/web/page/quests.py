"""The tables of quests and their budgets, from the families of a snapshot: those over budget first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from math import inf
from typing import TypeVar

from exporter.metrics import QUEST, Labels
from exporter.sections import allocation, budgets, spend
from exporter.web.page.lookup import Lookup, total
from exporter.web.page.rows import BudgetRow, QuestRow, Use, use_of

TODAY = "1d"
"""The window of today."""
MOST_OVER = 100
"""How many rows over budget are listed."""
MOST = 15
"""How many other rows of each use are listed."""
_DAY = "day"
_PERIOD = (*QUEST, "period")

Row = TypeVar("Row", QuestRow, BudgetRow)


@dataclass(frozen=True, slots=True)
class Allocation:
    """Today's allocations and their total. The quests that are not listed are one row for each use.

    ``derived`` is whether the allocations are a day's share of longer budgets.
    """

    rows: tuple[QuestRow, ...]
    total: QuestRow
    derived: bool


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets of periods longer than a day. ``more`` says of those that are not listed how many there are."""

    rows: tuple[BudgetRow, ...]
    more: tuple[str, ...]


def allocation_table(lookup: Lookup, now: datetime) -> Allocation:
    """Return today's allocations, the most used first, then budgets of other periods, then what is spent without any."""
    allocated = lookup.sum_by(allocation.ALLOCATION, QUEST)
    spent = lookup.sum_by(spend.QUEST_SPEND, QUEST, window=TODAY)
    projected = lookup.sum_by(spend.PROJECTED, QUEST)
    longer = {key: row for key, row in _longer(lookup, now).items() if key not in allocated}
    budget = total(allocated.values())
    rows = [
        QuestRow(
            key[1],
            key[2],
            allocated.get(key),
            spent.get(key),
            projected.get(key),
            budget,
            longer.get(key, ()),
            lookup.id_if_shared(key[0], key[1]),
        )
        for key in {**allocated, **spent, **projected, **longer}
    ]
    shown: list[QuestRow] = []
    for use, listed, beyond in _by_use(rows):
        shown += listed
        if beyond:
            others = tuple(chain.from_iterable(row.longer for row in beyond))
            shown.append(replace(_together(_more(use, beyond), beyond, budget), longer=others))
    periods = lookup.sum_by(budgets.BUDGET, ("period",))
    return Allocation(tuple(shown), _together("Total", rows, budget), derived=bool(periods) and (_DAY,) not in periods)


def budget_table(lookup: Lookup, now: datetime) -> Budgets:
    """Return the budgets of periods that hold now, the most used first. Those of a day are in the table of allocations."""
    groups = list(_by_use(_budgets(lookup, now).values()))
    return Budgets(
        tuple(row for _, listed, _ in groups for row in listed),
        tuple(f"and {_more(use, beyond)}" for use, _, beyond in groups if beyond),
    )


def _budgets(lookup: Lookup, now: datetime) -> dict[Labels, BudgetRow]:
    """The budgets of periods longer than a day, by the labels of the quest and the period."""
    amounts, spent, projected, ends = (
        lookup.sum_by(metric, _PERIOD) for metric in (budgets.BUDGET, budgets.SPEND, budgets.PROJECTED, budgets.END)
    )
    return {
        key: BudgetRow(
            key[1],
            key[2],
            key[3],
            amount,
            spent.get(key),
            projected.get(key),
            _moment(ends.get(key), now),
            now,
            lookup.id_if_shared(key[0], key[1]),
        )
        for key, amount in amounts.items()
        if key[3] != _DAY
    }


def _longer(lookup: Lookup, now: datetime) -> dict[Labels, tuple[BudgetRow, ...]]:
    """The most used budget of each quest, of those of periods longer than a day."""
    ranked = sorted(_budgets(lookup, now).items(), key=lambda item: _rank(item[1]), reverse=True)
    return {key[:3]: (row,) for key, row in ranked}


def over_budget(lookup: Lookup) -> tuple[int, int] | None:
    """Return how many quests spent more than a budget that holds now, and how many have a budget of known use, or None."""
    spent = lookup.sum_by(budgets.SPEND, _PERIOD)
    uses = {key: use_of(amount, spent.get(key)) for key, amount in lookup.sum_by(budgets.BUDGET, _PERIOD).items()}
    known = {key[0] for key, use in uses.items() if use is not Use.UNKNOWN}
    return (len({key[0] for key, use in uses.items() if use is Use.OVER}), len(known)) if known else None


def _by_use(rows: Iterable[Row]) -> Iterator[tuple[Use, list[Row], list[Row]]]:
    """Yield each use with the rows that are listed, the most used first, and those beyond."""
    ranked = sorted(rows, key=_rank)
    for use in Use:
        found = [row for row in ranked if row.use is use]
        most = MOST_OVER if use is Use.OVER else MOST
        yield use, found[:most], found[most:]


def _rank(row: QuestRow | BudgetRow) -> tuple[float, float, float, str, str]:
    """The share used, of a budget of 0 the largest, then what is spent, then the budget, descending, then name and id."""
    used = inf if row.used is None and row.over else row.used or 0
    amount = row.allocated if isinstance(row, QuestRow) else row.budget
    return -used, -(row.spent or 0), -(amount or 0), row.quest, row.quest_id


def _more(use: Use, beyond: list[Row]) -> str:
    return f"{len(beyond):,} more, {'all ' if len(beyond) > 1 else ''}{use.value}"


def _moment(timestamp: float | None, now: datetime) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, now.tzinfo)


def _together(name: str, rows: list[QuestRow], budget: float | None) -> QuestRow:
    allocated, spent, projected = (total(getattr(row, field) for row in rows) for field in ("allocated", "spent", "projected"))
    return QuestRow(name, "", allocated, spent, projected, budget)
