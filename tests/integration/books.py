"""All rows of the four ledgers, read from PostgreSQL: the input of the model."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import psycopg
from psycopg.rows import class_row

Row = TypeVar("Row")


@dataclass(frozen=True)
class Allocation:
    """An allocation; an infinite day is None."""

    quest_id: str | None
    day: date | None
    allocated_usd: Decimal | None
    spent_usd: Decimal | None = None


@dataclass(frozen=True)
class Call:
    """One billed call; an infinite time is None."""

    entry_id: object
    occurred_at: datetime | None
    provider: str | None
    cost_usd: Decimal | None
    quest_id: str | None = None
    task_id: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    calls: int | None = None


@dataclass(frozen=True)
class Outcome:
    """One judged task outcome; an infinite time is None."""

    entry_id: object
    occurred_at: datetime | None
    task_id: str
    cost_usd: Decimal | None
    total_tokens: int | None
    impact_score: Decimal | None = None
    quest_id: str | None = None
    layer: str | None = None
    task: str | None = None


@dataclass(frozen=True)
class Budget:
    """What a quest may spend in a period."""

    quest_id: str | None
    budget_usd: Decimal | None
    starts_on: date
    ends_on: date | None = None
    period: str | None = None


def period(start: date, end: date | None) -> str:
    """The name of a period."""
    if end is None:
        return "open"
    months = {"month": 1, "quarter": 3, "year": 12}
    names = {"day": start, "week": start + timedelta(days=6)} if start.weekday() == 0 else {"day": start}
    for name, length in months.items():
        if start.day == 1 and (start.month - 1) % length == 0:
            last = start.month + length - 1
            names[name] = date(start.year, last, monthrange(start.year, last)[1])
    return next((name for name, last in names.items() if last == end), f"{(end - start).days + 1}d")


@dataclass(frozen=True)
class Quest:
    """The name and the layer of a quest."""

    quest_id: str
    quest: str | None
    layer: str | None = None


@dataclass(frozen=True)
class Books:
    """All rows of all ledgers; None for a ledger that is not configured."""

    allocations: Sequence[Allocation] | None = None
    costs: Sequence[Call] | None = None
    impacts: Sequence[Outcome] | None = None
    quests: Sequence[Quest] | None = None
    budgets: Sequence[Budget] | None = None
    unmapped: frozenset[str] = frozenset()
    """The columns that are not configured, as ``ledger.column``."""

    def without(self, *columns: str) -> "Books":
        """The same without some columns, given as ``ledger.column``."""
        ledgers = dict(vars(self))
        for ledger, column in (name.split(".") for name in columns):
            ledgers[ledger] = [replace(row, **{column: None}) for row in ledgers[ledger]]
        return Books(**ledgers | {"unmapped": frozenset(columns)})


@dataclass(frozen=True)
class Selects:
    """The statements that read whole ledgers."""

    allocations: str | None = None
    costs: str | None = None
    impacts: str | None = None
    quests: str | None = None
    budgets: str | None = None

    def without(self, *ledgers: str) -> "Selects":
        """The same without some ledgers."""
        kept = {name: None if name in ledgers else statement for name, statement in vars(self).items()}
        return Selects(**kept)


def finite(column: str) -> str:
    """The column, or NULL where it is infinite, which Python cannot represent."""
    return f"CASE WHEN isfinite({column}) THEN {column} END"


SCIDEX = Selects(
    allocations=f"SELECT quest_id, {finite('day')} AS day, allocated_usd, spent_usd FROM quest_budget_allocations",
    costs=f"""SELECT id AS entry_id, {finite("created_at")} AS occurred_at, provider, cost_usd, quest_id, task_id, model,
        input_tokens, output_tokens FROM cost_ledger""",
    impacts=f"""SELECT id AS entry_id, {finite("created_at")} AS occurred_at, task_id, cost_usd, total_tokens,
        impact_score, quest_id, layer, task_title AS task FROM impact_ledger""",
    quests="SELECT id AS quest_id, name AS quest, layer FROM quests",
)


def read(conninfo: str, selects: Selects = SCIDEX) -> Books:
    """The committed rows of every ledger."""
    with psycopg.connect(conninfo) as connection:

        def rows(kind: type[Row], statement: str | None) -> list[Row] | None:
            if statement is None:
                return None
            return connection.cursor(row_factory=class_row(kind)).execute(statement.encode()).fetchall()

        return Books(
            rows(Allocation, selects.allocations),
            rows(Call, selects.costs),
            rows(Outcome, selects.impacts),
            rows(Quest, selects.quests),
            rows(Budget, selects.budgets),
        )
