"""Single rows with edge cases: each counts or is rejected, and none prevents the rest of its ledger from being read."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, configure, differences, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
CALL = "INSERT INTO cost_ledger (created_at, provider, cost_usd, {}) VALUES ('2026-05-14 10:00Z', 'p', 1, {})"
OUTCOME = """INSERT INTO impact_ledger (created_at, updated_at, task_id, total_tokens, cost_usd, {})
    VALUES ('2026-05-14 10:00Z', now(), 't', 5000, 1, {})"""
COUNTED = (
    CALL.format("quest_id", r"E'a\r'"),
    CALL.format("model", r"E'a\r\nb'"),
    CALL.format("model", r"""E'"a",\n"b"\\'"""),
    CALL.format("task_id", r"E'\\N'"),
    CALL.format("task_id", "repeat('t', 5000)"),
    CALL.format("output_tokens", "9223372036854775807"),
    OUTCOME.format("task_title", r"E'two\r\nlines'"),
    OUTCOME.format("impact_score", "0.50"),
    OUTCOME.format("impact_score", "-0.0000001"),
    "INSERT INTO quests VALUES (E'q\\r', E'a\\r\\n', E'b\\r')",
)


@pytest.mark.parametrize("statement", COUNTED)
async def test_a_row_of_odd_texts_or_numbers_counts(database: str, tmp_path: Path, statement: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(statement)
    async with running(configure(database, tmp_path / "rollups"), Clock(NOW)) as exporter:
        await exporter.refresh(2)
        assert differences(exporter.samples(), report(read(database), Settings(), NOW)) == []
        assert [exporter.rejected(ledger) for ledger in ("allocations", "costs", "impacts")] == [0, 0, 0]


async def test_the_least_integer_does_not_prevent_reading(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(CALL.format("input_tokens", "-9223372036854775808"))
        connection.execute(CALL.format("model", "'m'"))
    async with running(configure(database, tmp_path / "rollups"), Clock(NOW)) as exporter:
        await exporter.refresh()
        assert sum(exporter.samples()["resource_calls"].values()) + exporter.rejected("costs") == 2


async def test_only_an_allocation_before_the_first_year_is_rejected(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO quests VALUES ('q', 'Quest', 'Forge')")
        for day in ("0001-01-01", "4714-11-24 BC", "2026-03-01", "2026-05-14"):
            connection.execute("INSERT INTO quest_budget_allocations VALUES ('q', %s, 2)", (day,))
    async with running(configure(database, tmp_path / "rollups"), Clock(NOW)) as exporter:
        await exporter.refresh(4)
        assert list(exporter.samples()["resource_quest_allocation_usd"].values()) == [2]
        assert exporter.rejected("allocations") == 2
