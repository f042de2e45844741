"""A ledger with every unusual text in every column: all parsers can read the exposition."""

import subprocess
from pathlib import Path

import psycopg
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text
from prometheus_client.samples import Sample

from tests.end_to_end.process import Exporter, serving
from tests.end_to_end.prometheus import prometheus
from tests.end_to_end.test_serve import OPENMETRICS
from tests.integration.rules import short
from tests.integration.texts import ODD

IDS = {short(odd) for odd in ODD}
LOOSE = """
ALTER TABLE quests DROP CONSTRAINT quests_pkey CASCADE;
ALTER TABLE quest_budget_allocations DROP CONSTRAINT quest_budget_allocations_pkey;
"""
ROWS = """
INSERT INTO quests VALUES (%(text)s, %(text)s, %(text)s);
INSERT INTO quest_budget_allocations VALUES (%(text)s, current_date, 1), (%(text)s, current_date + 1, 1);
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd)
VALUES (now(), %(text)s, %(text)s, %(text)s, %(text)s, 1);
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, task_title, total_tokens, cost_usd, impact_score)
VALUES (now(), now(), %(text)s, %(text)s, %(text)s, %(text)s, 5000, 1, 0.5);
"""


@pytest.mark.slow
@pytest.mark.prometheus("promtool", "prometheus")
def test_every_parser_reads_the_exposition(tmp_path: Path, database: str) -> None:
    with psycopg.connect(database, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(LOOSE)
        for odd in ODD:
            connection.execute(ROWS, {"text": odd})
    with serving(tmp_path, database) as exporter, prometheus(tmp_path, exporter.port) as ask:
        # All own metrics exist after the first refresh.
        exporter.until(lambda: ask("query", query="scrape_samples_scraped")[0]["value"][1] == str(len(samples(exporter))))
        assert {series["value"][1] for series in ask("query", query="up")} == {"1"}
        assert {series["metric"]["quest_id"] for series in ask("query", query="resource_calls")} == IDS
        assert {sample.labels["quest_id"] for sample in samples(exporter) if sample.name == "resource_calls"} == IDS
        rich = exporter.get("/metrics", Accept=OPENMETRICS).body.decode()
        same = [sample for family in openmetrics(rich) for sample in family.samples]  # type: ignore[no-untyped-call]
        assert len(same) == len(samples(exporter))
        page = exporter.page()
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def samples(exporter: Exporter) -> list[Sample]:
    """The samples found by the parser of text format 0.0.4."""
    return [sample for family in text(exporter.page()) for sample in family.samples]
