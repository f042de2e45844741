"""The questions that are put to the peers are the exporter's own: over the same ledger, the same numbers."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from bench.ledger import Shape, fill
from bench.questions import AGGREGATION, DAY, answers, questions
from tests.integration.running import Clock, configure, running

NOT_ASKED = {
    "resource_budget_day_elapsed_ratio",
    "resource_quest_budget_elapsed_ratio",
    "resource_quest_budget_projected_spend_usd",
    "resource_quest_projected_spend_usd",
    "resource_report_info",
}


@pytest.fixture
def ledger(vacant: str) -> str:
    """Forty days of 500 calls each."""
    fill(vacant, Shape(days=40, rate=500), datetime.now(UTC).timestamp())
    return vacant


async def test_the_questions_give_the_numbers_of_the_exporter(ledger: str, tmp_path: Path) -> None:
    with psycopg.connect(ledger) as connection:
        now = connection.execute("SELECT now()").fetchone()
        asked = questions(connection)
        expected = {series: value for each in asked for series, value in answers(connection, each)}
    assert now
    async with running(configure(ledger, tmp_path / "rollups.duckdb"), Clock(now[0])) as exporter:
        await exporter.refresh()
        served = {(name, labels): value for name, samples in exporter.samples().items() for labels, value in samples.items()}
    of_interest = {series: value for series, value in served.items() if series[0] not in NOT_ASKED}
    assert of_interest == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("path", [AGGREGATION, DAY], ids=lambda path: path.stem)
def test_the_plain_aggregations_run(ledger: str, path: Path) -> None:
    with psycopg.connect(ledger) as connection:
        assert connection.execute(path.read_bytes()).fetchall()
