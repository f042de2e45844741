"""Numbers and times at the limits of PostgreSQL's types: each counts or is rejected, and does not affect other rows."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration.running import Clock, configure, running
from tests.integration.strategies import Rows, insert

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
AT = datetime(2026, 5, 14, 10, tzinfo=UTC)
AMOUNTS = {"cost_ledger": ["cost_usd"], "impact_ledger": ["cost_usd", "impact_score"],
           "quest_budget_allocations": ["allocated_usd", "spent_usd"]}  # fmt: skip
TOKENS = {"cost_ledger": ["input_tokens", "output_tokens"], "impact_ledger": ["total_tokens"], "quest_budget_allocations": []}
NOT_FINITE = ("NaN", "Infinity", "-Infinity")
DEEP = ("0." + "0" * 16_382 + "1", "999999999998." + "9" * 16_383)
NUMBERS = {
    "numeric": (
        *NOT_FINITE,
        *DEEP,
        "1e131071",
        "-1e131071",
        "1e12",
        "-1e12",
        "9e18",
        "-8.999e18",
        "0.5",
        "0",
        "-0.0",
        "1e-15",
        "-1e-16",
        "7",
    ),
    "double precision": (*NOT_FINITE, "1.7976931348623157e308", "-4.9e-324", "-0.0", "0.1", "1e12", "7"),
    "real": (*NOT_FINITE, "3.4028235e38", "1e-45", "-0.0", "7"),
    "bigint": ("9223372036854775807", "-9223372036854775808", "0", "7"),
    "smallint": ("32767", "-32768", "0", "7"),
}


def odd_numbers(table: str, numbers: tuple[str, ...]) -> Rows:
    """Each number in each numeric column, among ordinary ones."""
    columns = AMOUNTS[table] + TOKENS[table]
    rows: Rows = [dict.fromkeys(columns, "1") | {column: number} for column in columns for number in numbers]
    fixed: dict[str, Any] = {
        "cost_ledger": {"created_at": AT, "provider": "p"},
        "impact_ledger": {"created_at": AT, "updated_at": AT, "task_id": "t"},
        "quest_budget_allocations": {"day": AT.date(), "quest_id": "q"},
    }
    return [row | fixed[table] for row in rows]


def summed(connection: psycopg.Connection, table: str, kind: str) -> tuple[int, list[float]]:
    """The number of rows with an amount that cannot be summed, and the sums of each column over the other rows."""
    most = "1e19" if kind == "bigint" else "9e18"
    bounds = [*((column, "1e12") for column in AMOUNTS[table]), *((column, most) for column in TOKENS[table])]
    sound = " AND ".join(f"abs({column}::numeric) < {bound}" for column, bound in bounds)
    sums = ", ".join(f"sum({column}::numeric) FILTER (WHERE {sound})" for column, _ in bounds)
    ((rejected, *found),) = connection.execute(f"SELECT count(*) FILTER (WHERE NOT ({sound})), {sums} FROM {table}".encode())
    return rejected, list(map(float, found))


@pytest.mark.parametrize("kind", NUMBERS)
async def test_numbers(ledger_database: str, tmp_path: Path, kind: str) -> None:
    with psycopg.connect(ledger_database) as connection:
        for table, amounts in AMOUNTS.items():
            for column in amounts + TOKENS[table]:
                connection.execute(f"ALTER TABLE {table} ALTER {column} TYPE {kind}".encode())
            insert(connection, table, odd_numbers(table, NUMBERS[kind]))
        calls, (usd, tokens, _) = summed(connection, "cost_ledger", kind)
        outcomes, (cost, impact, _) = summed(connection, "impact_ledger", kind)
        budgets, (allocated, spent) = summed(connection, "quest_budget_allocations", kind)
    async with running(configure(ledger_database, tmp_path / "rollups"), Clock(NOW)) as exporter:
        await exporter.refresh(2)
        assert [exporter.rejected(ledger) for ledger in ("costs", "impacts", "allocations")] == [calls, outcomes, budgets]
        served = exporter.samples()

    def total(name: str, *labels: tuple[str, str]) -> float:
        return sum(value for found, value in served[name].items() if found >= set(labels))

    assert (total("resource_spend_usd"), total("resource_tokens", ("token_type", "input"))) == pytest.approx((usd, tokens))
    lifetime = ("window", "lifetime")
    assert total("resource_quest_impact_cost_usd", lifetime) == pytest.approx(cost)
    assert total("resource_quest_impact_score", lifetime) == pytest.approx(impact)
    assert total("resource_quest_allocation_usd") == pytest.approx(allocated)
    assert total("resource_quest_reported_spend_usd") == pytest.approx(spent)


@pytest.mark.parametrize("kind", ["numeric", "double precision"])
async def test_tokens_are_rounded_to_whole_numbers(ledger_database: str, tmp_path: Path, kind: str) -> None:
    with psycopg.connect(ledger_database) as connection:
        connection.execute(f"ALTER TABLE cost_ledger ALTER input_tokens TYPE {kind}".encode())
        rows: Rows = [
            {"created_at": AT, "provider": "p", "input_tokens": tokens} for tokens in ("0.5", "1.5", "-2.5", "0.4", "7")
        ]
        insert(connection, "cost_ledger", rows)
    async with running(configure(ledger_database, tmp_path / "rollups"), Clock(NOW)) as exporter:
        await exporter.refresh(1)
        tokens = exporter.samples()["resource_tokens"]
    assert {value for labels, value in tokens.items() if ("token_type", "input") in labels} == {1 + 2 - 3 + 0 + 7}


TIMES = (
    *("infinity", "-infinity", "294276-12-31 23:59:59.999999", "4714-11-24 BC", "4714-11-25 BC", "0001-12-31 BC"),
    *("0001-01-01", "0002-01-01 12:00", "0002-01-02", "9999-12-31 23:59:59.999999", "10000-01-01"),
)
REJECTED_TIMES = 7  # two that are not finite, and all before the second day of the year 2
PAST_TIMES = 1
DAYS = ("infinity", "-infinity", "5874897-12-31", "4714-11-24 BC", "0001-01-01", "0002-01-02", "9999-12-31", "10000-01-01")
REJECTED_DAYS = 4


@pytest.mark.parametrize(
    "kind, updated_at",
    [("timestamptz", "-infinity"), ("timestamptz", "4714-11-24 BC"), ("timestamp", "infinity"), ("timestamp", "294276-12-31")],
)
async def test_times(ledger_database: str, tmp_path: Path, kind: str, updated_at: str) -> None:
    with psycopg.connect(ledger_database) as connection:
        connection.execute(f"ALTER TABLE impact_ledger ALTER created_at TYPE {kind}, ALTER updated_at TYPE {kind}".encode())
        connection.execute(f"ALTER TABLE cost_ledger ALTER created_at TYPE {kind}".encode())
        outcome = {"updated_at": updated_at, "task_id": "t", "total_tokens": 5000, "cost_usd": 1}
        insert(connection, "cost_ledger", [{"created_at": at, "provider": "p", "cost_usd": 1} for at in (*TIMES, AT)])
        insert(connection, "impact_ledger", [outcome | {"created_at": at} for at in (*TIMES, AT)])
        insert(
            connection, "quest_budget_allocations", [{"quest_id": "q", "day": day, "allocated_usd": 1} for day in (*DAYS, AT)]
        )
    config = configure(ledger_database, tmp_path / "rollups", timezone="Pacific/Kiritimati")
    async with running(config, Clock(NOW)) as exporter:
        await exporter.refresh(4)
        served = exporter.samples()
        rejected = [exporter.rejected(ledger) for ledger in ("costs", "impacts", "allocations")]
    assert rejected == [REJECTED_TIMES, REJECTED_TIMES, REJECTED_DAYS]
    assert sum(served["resource_calls"].values()) == PAST_TIMES + 1
    assert {dict(labels)["window"]: cost for labels, cost in served["resource_quest_impact_cost_usd"].items()} == {
        "1d": 1, "7d": 1, "30d": 1, "lifetime": PAST_TIMES + 1,
    }  # fmt: skip
