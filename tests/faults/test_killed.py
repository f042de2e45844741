"""The exporter is killed at any moment, and the next one resumes from its rollup file."""

import random
import signal
import time
from pathlib import Path

import psycopg
import pytest

from tests.end_to_end.process import running, serving
from tests.faults.stage import QUICK, until_exact

CALLS = """
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd)
SELECT now() - random() * interval '9 days', 't' || n, 'q' || n %% 5, 'p' || n %% 4, 'm', n FROM generate_series(1, %s) AS n
"""


def call(conninfo: str, count: int) -> None:
    """Commit calls on the last days."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(CALLS, [count])


@pytest.mark.slow
def test_the_next_exporter_resumes_from_the_rollup_file(tmp_path: Path, known_ledger: str) -> None:
    moments = random.Random(20)
    call(known_ledger, 500)
    (tmp_path / "config.yml").write_text(QUICK.format(timezone="UTC"))
    for _ in range(8):
        with running(tmp_path, "serve", f"--config.file={tmp_path / 'config.yml'}", LEDGERS_DSN=known_ledger) as exporter:
            end = time.monotonic() + moments.random() ** 2 * 0.8
            while time.monotonic() < end:
                call(known_ledger, 10)
            exporter.stop(signal.SIGKILL)
            assert "set aside" not in exporter.log.read_text()
    with serving(tmp_path, known_ledger, QUICK) as exporter:
        until_exact(exporter, known_ledger)
