"""What a test of faults checks: exact samples, the ledgers that are down, and the resources of the process."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psycopg

from tests.end_to_end.process import LEDGERS, Exporter
from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import differences, parsed

TIMELY = {
    "resource_budget_day_elapsed_ratio",
    "resource_quest_budget_elapsed_ratio",
    "resource_quest_budget_projected_spend_usd",
    "resource_quest_projected_spend_usd",
}
"""Metrics that depend on the time of day."""
QUICK = LEDGERS.replace("500ms", "100ms, statement_timeout: 2s")
PATIENT = LEDGERS.replace("500ms", "100ms, statement_timeout: 5m")
"""The configuration of the end-to-end tests, with timeouts for long faults and slow statements."""
_DOWN = re.compile(r'^resource_exporter_ledger_up\{ledger="(\w+)"\} 0\.0$', re.MULTILINE)


def wrong(conninfo: str, page: str, now: datetime) -> list[str]:
    """The samples that differ from a recomputation from all rows of the ledgers, as of a moment."""
    expected, served = report(read(conninfo), Settings(), now), parsed(page)
    for metric in TIMELY:
        expected.samples.pop(metric, None)
        served.pop(metric, None)
    return differences(served, expected)


def until_exact(exporter: Exporter, conninfo: str) -> None:
    """Wait until every ledger is up and every sample is right."""
    exporter.until(lambda: not down(exporter) and not wrong(conninfo, exporter.page(), datetime.now(UTC)))


def down(exporter: Exporter) -> frozenset[str]:
    """The ledgers that are down by the metric."""
    return frozenset(_DOWN.findall(exporter.page()))


def spend(conninfo: str) -> None:
    """Commit one more call, so that old samples are not mistaken for new ones."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "INSERT INTO cost_ledger (id, created_at, task_id, quest_id, provider, model, cost_usd)"
            " SELECT max(id) + 1, now(), 't1', 'q1', 'minimax', 'MiniMax-M2', 0.01 FROM cost_ledger"
        )


class Held(NamedTuple):
    """Resources of a process: open files without connections to PostgreSQL, threads, and files of batches."""

    files: int
    threads: int
    unused: int


def held(exporter: Exporter, conninfo: str) -> Held:
    """The current resources of an exporter with one database."""
    files, threads = (len(list(Path(f"/proc/{exporter.process.pid}", kind).iterdir())) for kind in ("fd", "task"))
    unused = len(list(exporter.log.parent.glob("rollups.duckdb.reading/*")))
    return Held(files - connections(conninfo), threads, unused)


def connections(conninfo: str) -> int:
    """The number of connections of the exporter to the database."""
    with psycopg.connect(conninfo) as connection:
        ((count,),) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'resource-exporter' AND datname = current_database()"
        ).fetchall()
    return int(count)


def logged(exporter: Exporter) -> list[dict[str, str]]:
    """The events in the log."""
    return [json.loads(line) for line in exporter.log.read_text().splitlines()]


def last_errors(exporter: Exporter) -> dict[str, list[str]]:
    """The logged errors by ledger."""
    said: dict[str, list[str]] = {}
    for event in logged(exporter):
        if event["msg"] == "ledger cannot be read":
            said.setdefault(event["ledger"], []).append(event["error"])
    return said
