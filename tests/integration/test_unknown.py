"""The page says which ledger or column is missing, and makes no claims about missing data."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.integration.running import LEDGERS, Clock, configure, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
ROWS = """
INSERT INTO quests VALUES ('q', 'Quest', 'Forge');
INSERT INTO quest_budget_allocations VALUES ('q', '2026-05-14', 5, 1);
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd, input_tokens, output_tokens)
VALUES ('2026-05-14 10:00Z', 't', 'q', 'p', 'm', 2, 10, 20);
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, total_tokens, cost_usd, impact_score)
VALUES ('2026-05-14 10:00Z', now(), 't', 'q', 'Forge', 500, 2, 0);
"""
CLAIMS = ("No budget and no spend today.", "No task with a cost and an impact.", "No day with a budget or spend.",
          "No calls.", "Nothing was wasted.")  # fmt: skip


@pytest.fixture
def filled(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute(ROWS)
    return database


def claims(page: str) -> list[str]:
    """The sentences of the page about empty tables."""
    return [claim for claim in CLAIMS if claim in page]


async def test_with_all_ledgers_nothing_is_missing(filled: str, tmp_path: Path) -> None:
    async with running(configure(filled, tmp_path / "rollups"), Clock(NOW)) as exporter:
        await exporter.refresh()
        page = exporter.dashboard()
    assert claims(page) == ["No task with a cost and an impact.", "Nothing was wasted."]
    assert "<dd>$0.00</dd>" in page
    assert "configured" not in page


@pytest.mark.parametrize(
    "ledger, claimed",
    [
        ("impacts", []),
        ("allocations", ["No task with a cost and an impact.", "Nothing was wasted."]),
        ("costs", ["No task with a cost and an impact.", "Nothing was wasted."]),
    ],
)
async def test_the_page_says_which_ledger_is_missing(filled: str, tmp_path: Path, ledger: str, claimed: list[str]) -> None:
    ledgers = {name: {"database": "main"} for name in LEDGERS if name != ledger}
    async with running(configure(filled, tmp_path / "rollups", ledgers=ledgers), Clock(NOW)) as exporter:
        await exporter.refresh()
        page = exporter.dashboard()
    assert f"No {ledger} ledger is configured." in page
    assert claims(page) == claimed
    assert ('<dd class="unknown">No impacts ledger is configured.</dd>' in page) == (ledger == "impacts")


@pytest.mark.parametrize(
    "ledger, column, absent",
    [
        ("costs", "task_id", {"resource_provider_tasks", "resource_provider_impact_score", "resource_provider_wasted_usd"}),
        ("costs", "model", {"resource_model_spend_usd"}),
        ("costs", "quest_id", set()),
        ("impacts", "impact_score", {"resource_quest_impact_cost_usd", "resource_quest_impact_score"}),
        ("allocations", "spent_usd", {"resource_quest_reported_spend_usd"}),
    ],
)
async def test_the_page_names_a_missing_column(filled: str, tmp_path: Path, ledger: str, column: str, absent: set[str]) -> None:
    async with running(configure(filled, tmp_path / "all"), Clock(NOW)) as exporter:
        await exporter.refresh()
        everything = exporter.samples()
    ledgers = {name: {"database": "main", "columns": {column: None} if name == ledger else {}} for name in LEDGERS}
    async with running(configure(filled, tmp_path / "rollups", ledgers=ledgers), Clock(NOW)) as exporter:
        await exporter.refresh()
        served, page = exporter.samples(), exporter.dashboard()
    assert everything.keys() - served.keys() >= absent
    assert (f"No {column} column is configured for the {ledger} ledger." in page) == (column in ON_PAGE)
    assert "Nothing was wasted." not in page or column != "impact_score"


ON_PAGE = {"task_id", "quest_id", "impact_score"}


async def test_without_a_quest_column_quests_have_no_spend(filled: str, tmp_path: Path) -> None:
    ledgers = {name: {"database": "main", "columns": {"quest_id": None} if name == "costs" else {}} for name in LEDGERS}
    async with running(configure(filled, tmp_path / "rollups", ledgers=ledgers), Clock(NOW)) as exporter:
        await exporter.refresh()
        spend, days = (exporter.samples()[f"resource_{name}_spend_usd"] for name in ("quest", "day"))
    assert {dict(labels)["quest_id"] for labels in spend} == {"unassigned"}
    assert {dict(labels)["layer"] for labels in days} == {"unknown"}


async def test_stale_data_are_not_reported_as_empty(filled: str, tmp_path: Path) -> None:
    clock = Clock(NOW)
    async with running(configure(filled, tmp_path / "rollups"), clock) as exporter:
        await exporter.refresh()
        with psycopg.connect(filled) as connection:
            connection.execute("ALTER TABLE impact_ledger RENAME TO elsewhere")
        clock.now += timedelta(minutes=11)
        await exporter.attempt()
        page = exporter.dashboard()
    assert "The impacts ledger could not be read for longer than refresh.stale_after." in page
    assert claims(page) == []


async def test_unread_data_are_not_reported_as_empty(filled: str, tmp_path: Path) -> None:
    with psycopg.connect(filled) as connection:
        connection.execute("ALTER TABLE impact_ledger RENAME TO elsewhere")
    async with running(configure(filled, tmp_path / "rollups"), Clock(NOW)) as exporter:
        await exporter.attempt()
        page = exporter.dashboard()
    assert "The impacts ledger has not been read yet." in page
    assert claims(page) == []


async def test_without_the_window_of_today_the_page_says_so(filled: str, tmp_path: Path) -> None:
    async with running(configure(filled, tmp_path / "rollups", report={"windows": ["7d"]}), Clock(NOW)) as exporter:
        await exporter.refresh()
        assert "Today&#39;s spend by quest is not shown: report.windows has no 1d." in exporter.dashboard()
