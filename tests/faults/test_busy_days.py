"""The number of calls of a day affects only the time to read it, not the memory."""

import re
import signal
from pathlib import Path

import psycopg
import pytest

from tests.end_to_end.process import Exporter, running
from tests.faults.stage import logged

ONE_LEDGER = """
databases: {main: {dsn_env: LEDGERS_DSN}}
ledgers: {costs: {database: main}}
state: {path: rollups.duckdb}
refresh: {interval: 100ms}
"""
FILL = """
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT timestamptz '2026-03-14 00:00+00' + interval '{apart}' * n, 't' || n / 2, 'q' || n % 7, 'codex', {model}, n % 5, 1,
       n % 1000 / 1e6
  FROM generate_series(0, {calls} - 1) AS n
"""
NOW = """
INSERT INTO cost_ledger (created_at, quest_id, provider, model, cost_usd)
SELECT now(), 'q', 'codex', {model}, 0.01 FROM generate_series(1, {calls}) AS n
"""
"""All rows of one statement have the same time."""
READ = "resource_exporter_ledger_rows_read_total"
MEMORY = 400
"""Megabytes."""


def fill(conninfo: str, calls: int, apart: str, model: str = "'gpt-' || n % 3") -> None:
    """Calls of one day at this distance, with half as many tasks."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(FILL.format(calls=calls, apart=apart, model=model).encode())


def peak(exporter: Exporter) -> int:
    """The peak memory of the process in megabytes."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{exporter.process.pid}/status").read_text())
    return int(kilobytes) // 1024


def served(exporter: Exporter, metric: str) -> float:
    """The sum over all series of a metric."""
    values = re.findall(rf"^{metric}{{.*}} (\S+)$", exporter.page(), re.MULTILINE)
    return round(sum(map(float, values)), 6)


def truth(conninfo: str, what: str) -> float:
    """A number of the ledger by plain SQL."""
    with psycopg.connect(conninfo) as connection:
        ((value,),) = connection.execute(f"SELECT {what} FROM cost_ledger").fetchall()
    return float(value)


def until_exact(exporter: Exporter, conninfo: str) -> None:
    calls, usd = truth(conninfo, "count(*)"), round(truth(conninfo, "sum(cost_usd)"), 6)
    exporter.until(lambda: served(exporter, "resource_calls") == calls and served(exporter, "resource_spend_usd") == usd, 600)


def said(exporter: Exporter, message: str) -> bool:
    return any(event["msg"] == message for event in logged(exporter))


@pytest.mark.slow
def test_a_day_of_millions_is_built_in_steps_that_survive_a_kill(tmp_path: Path, database: str) -> None:
    fill(database, 2_500_000, "30 ms")
    (tmp_path / "config.yml").write_text(ONE_LEDGER)
    serve = ("serve", f"--config.file={tmp_path / 'config.yml'}")
    with running(tmp_path, *serve, LEDGERS_DSN=database) as exporter:
        exporter.until(lambda: served(exporter, READ) > 1_000_000, 300)
        assert exporter.get("/-/ready").status == 503
        exporter.stop(signal.SIGKILL)
    with running(tmp_path, *serve, LEDGERS_DSN=database) as exporter:
        until_exact(exporter, database)
        assert said(exporter, "resuming the first build")
        assert served(exporter, READ) < 2_400_000
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE cost_ledger SET cost_usd = 5 WHERE id = (SELECT max(id) FROM cost_ledger)")
            connection.execute("DELETE FROM cost_ledger WHERE id = (SELECT min(id) FROM cost_ledger)")
        until_exact(exporter, database)
        assert peak(exporter) < MEMORY


@pytest.mark.slow
@pytest.mark.parametrize("calls, model", [(300_000, "'gpt'"), (10_000, "n % 3 || repeat('é', 4000)")])
def test_more_calls_at_one_moment_than_fit_into_a_batch(tmp_path: Path, database: str, calls: int, model: str) -> None:
    fill(database, calls, "0 s", model)
    fill(database, 3_000, "25 s")
    (tmp_path / "config.yml").write_text(ONE_LEDGER)
    with running(tmp_path, "serve", f"--config.file={tmp_path / 'config.yml'}", LEDGERS_DSN=database) as exporter:
        until_exact(exporter, database)
        with psycopg.connect(database) as connection:
            connection.execute(NOW.format(calls=calls, model=model).encode())
        fill(database, 3_000, "25 s")
        until_exact(exporter, database)
        assert peak(exporter) < MEMORY


HISTORY = """
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT now() - random() * interval '700 days', 't' || n / 2, 'q' || n % 7, 'codex', 'gpt', 1, 1, n % 1000 / 1e6
  FROM generate_series(1, {calls}) AS n
"""


@pytest.mark.slow
def test_history_imported_out_of_order(tmp_path: Path, database: str) -> None:
    (tmp_path / "config.yml").write_text(ONE_LEDGER)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(HISTORY.format(calls=70_000).encode())
        with running(tmp_path, "serve", f"--config.file={tmp_path / 'config.yml'}", LEDGERS_DSN=database) as exporter:
            until_exact(exporter, database)
            connection.execute(HISTORY.format(calls=400_000).encode())
            until_exact(exporter, database)
            assert served(exporter, READ) < 1_500_000
            assert not said(exporter, "ledger cannot be read")
            assert peak(exporter) < MEMORY
