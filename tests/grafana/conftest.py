"""A real Prometheus that scrapes a real exporter over a ledger with known numbers."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.conftest import SCHEMA
from tests.end_to_end.process import LEDGERS, serving
from tests.waiting import until

LEDGER = Path(__file__).parent.parent / "end_to_end/ledger.sql"
# The same exporter under two names simulates two replicas: a query that adds them up doubles its result.
SCRAPES = """\
global: {{scrape_interval: 500ms}}
scrape_configs:
  - job_name: resource-exporter
    static_configs: [{{targets: ["127.0.0.1:{port}", "localhost:{port}"]}}]
"""
# A call written between two scrapes, so that spend over time is not 0.
LATE_CALL = """
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
VALUES (now(), 't1', 'q1', 'minimax', 'MiniMax-M2', 4000, 1000, 0.40)
"""

# q1 is projected to exceed its month, which always began nine days ago; q2 has exceeded its week; q3 has no end.
BUDGETS = """\
SELECT 'q1' AS quest_id, 8 AS budget_usd, current_date - 9 AS starts_on, current_date + 20 AS ends_on, 'month' AS period
UNION ALL SELECT 'q2', 0.125, current_date - 6, current_date, 'week'
UNION ALL SELECT 'q3', 50, current_date - 100, NULL, 'open'
UNION ALL SELECT 'q2', 900, current_date - 9, current_date + 20, 'month'
"""
LEDGER_OF_BUDGETS = f"{{{{database: main, query: {json.dumps(BUDGETS)}, columns: {{{{ends_on: ends_on, period: period}}}}}}}}"
CONFIG = LEDGERS.replace("timezone:", f"  budgets: {LEDGER_OF_BUDGETS}\ntimezone:")

Found = list[tuple[Mapping[str, str], float]]


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    port: int

    def ask(self, path: str, **parameters: str | float) -> list[Any]:
        """The result of the HTTP API; raises HTTPError."""
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urlencode(parameters)}", timeout=10) as reply:
            data = json.load(reply)["data"]
        return list(data["result"] if isinstance(data, dict) else data)

    def now(self, expression: str) -> Found:
        """The labels and current values of the series."""
        return self.at(time.time(), expression)

    def at(self, moment: float, expression: str) -> Found:
        """The labels and values of the series at a moment."""
        return [(series["metric"], float(series["value"][1])) for series in self.ask("query", query=expression, time=moment)]

    def lately(self, expression: str) -> list[Any]:
        """The series of the last minute."""
        end = time.time()
        return self.ask("query_range", query=expression, start=end - 60, end=end, step=5)

    def until(self, expression: str) -> None:
        """Wait until the query has a result."""
        until(lambda: self._found(expression), lambda: expression)

    def _found(self, expression: str) -> bool:
        try:
            return bool(self.ask("query", query=expression))
        except OSError:  # it is not listening yet
            return False


@contextmanager
def scraping(directory: Path, config: str) -> Iterator[Prometheus]:
    """Prometheus with its configuration and data in the directory."""
    (directory / "prometheus.yml").write_text(config)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        own_port = free.getsockname()[1]
    flags = [f"--config.file={directory / 'prometheus.yml'}", f"--storage.tsdb.path={directory / 'data'}"]
    with (directory / "prometheus.log").open("w") as log:
        process = subprocess.Popen(["prometheus", *flags, f"--web.listen-address=127.0.0.1:{own_port}"], stderr=log)
    try:
        yield Prometheus(own_port)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def ledger(postgres: str, scidex: str) -> Iterator[str]:
    """The connection string of a database with the known ledger."""
    name = f"{scidex}_dashboards"
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    conninfo = make_conninfo(postgres, dbname=name)
    with psycopg.connect(conninfo) as connection:
        connection.execute(SCHEMA.read_bytes())
        connection.execute(LEDGER.read_bytes())
    yield conninfo
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory, ledger: str) -> Iterator[Prometheus]:
    """Prometheus after it has scraped a change of the ledger and an audit."""
    directory = tmp_path_factory.mktemp("dashboards")
    with serving(directory, ledger, CONFIG) as exporter, scraping(directory, SCRAPES.format(port=exporter.port)) as prometheus:
        prometheus.until("count(count_over_time(resource_spend_usd[1m]) >= 3) by (instance) and on () count(up) == 2")
        with psycopg.connect(ledger) as connection:
            connection.execute(LATE_CALL)
        prometheus.until('delta(resource_spend_usd{provider="MiniMax"}[1m]) > 0')
        prometheus.until("count_over_time(resource_exporter_audit_repairs_total[1m]) >= 3")
        yield prometheus
