"""From a row in the ledger to a notification: the exporter, Prometheus and Alertmanager as real processes."""

import json
import re
import shlex
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml

from tests.conftest import ROOT
from tests.end_to_end.process import serving
from tests.waiting import until

# Today and tomorrow, because the test may run across midnight; a row of tomorrow counts from then on.
LEDGER = """
INSERT INTO quests VALUES ('q 1', 'Code Forge', 'Forge'), ('q2', 'Peer Review', 'Senate');
INSERT INTO quest_budget_allocations (quest_id, day, allocated_usd)
SELECT quest, day, 10 FROM unnest(ARRAY['q 1', 'q2']) AS quest, unnest(ARRAY[{today}, {today} + 1]) AS day;
INSERT INTO cost_ledger (created_at, quest_id, provider, cost_usd)
SELECT at, quest, 'codex', usd
  FROM unnest(ARRAY[now(), ({today} + 1)::timestamp AT TIME ZONE 'UTC']) AS at,
       (VALUES ('q 1', 12.5), ('q2', 7.99)) AS spent (quest, usd);
""".replace("{today}", "(now() AT TIME ZONE 'UTC')::date")

PAGE = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
START, NOTIFY = re.findall(r"^((?:prometheus|alertmanager) --.+)$", PAGE, re.MULTILINE)
"""The commands of the page for Prometheus and Alertmanager."""
QUERIES = re.findall(r"^promtool query instant .+$", PAGE, re.MULTILINE)
"""Its commands that query a running Prometheus."""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _webhook() -> Iterator[tuple[int, Queue[Any]]]:
    """A receiver on a free port, and the notifications that it gets."""
    received: Queue[Any] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], received
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _running(log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=log.parent, stdout=stream, stderr=stream)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _alertmanager(directory: Path, webhook: int) -> Iterator[int]:
    """Alertmanager with its real configuration, except for the address of the receiver and the waiting times."""
    config = yaml.safe_load((ROOT / "alertmanager.yml").read_text(encoding="utf-8"))
    config["receivers"][0]["webhook_configs"][0]["url"] = f"http://127.0.0.1:{webhook}/"
    config["route"] |= {"group_wait": "2s", "group_interval": "1s"}
    (directory / "alertmanager.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    port = _free_port()
    flags = [*NOTIFY.split()[1:], "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}"]
    with _running(directory / "alertmanager.log", "prometheus-alertmanager", *flags):
        yield port


@contextmanager
def _prometheus(directory: Path, exporter: int, alertmanager: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Prometheus and its port, with its real configuration and rules, except for the ports and the intervals."""
    config = (ROOT / "prometheus.yml").read_text(encoding="utf-8")
    for real, used in (("interval: 15s", "interval: 1s"), (":9877]", f":{exporter}]"), (":9093]", f":{alertmanager}]")):
        assert real in config
        config = config.replace(real, used)
    (directory / "prometheus.yml").write_text(config, encoding="utf-8")
    (directory / "rules").symlink_to(ROOT / "rules")
    port = _free_port()
    with _running(directory / "prometheus.log", *START.split(), f"--web.listen-address=127.0.0.1:{port}") as process:
        yield process, port


def _first_about_a_quest(received: Queue[Any], *processes: subprocess.Popen[bytes]) -> Any:  # noqa: ANN401 - JSON
    def found() -> Any:  # noqa: ANN401 - JSON
        assert all(process.poll() is None for process in processes)
        arrived = [received.get() for _ in range(received.qsize())]
        return next((each for each in arrived if "quest_id" in each["groupLabels"]), None)

    return until(found, lambda: "no notification came")


def _output(command: str) -> str:
    return subprocess.run(shlex.split(command), capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.prometheus("promtool", "prometheus", "prometheus-alertmanager")
def test_an_overspending_quest_reaches_the_webhook_and_one_within_its_budget_does_not(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(LEDGER.encode())
    with (
        _webhook() as (webhook, received),
        serving(tmp_path, database) as exporter,
        _alertmanager(tmp_path, webhook) as alertmanager,
        _prometheus(tmp_path, exporter.port, alertmanager) as (prometheus, port),
    ):
        notification = _first_about_a_quest(received, prometheus)
        runbook = notification["alerts"][0]["annotations"]["runbook_url"]
        opened = exporter.get(urlsplit(runbook).path).body.decode()
        used, *_ = [_output(query.replace(":9090", f":{port}")) for query in QUERIES]
    assert '{job="resource-exporter", period="day", quest_id="q 1"} => 1.25 @' in used
    assert notification["groupLabels"] == {"job": "resource-exporter", "quest_id": "q 1"}
    # The warning fires too, and is inhibited.
    (alert,) = notification["alerts"]
    assert alert["status"] == "firing"
    assert alert["labels"] == {
        "alertname": "QuestBudgetExceeded",
        "job": "resource-exporter",
        "period": "day",
        "quest_id": "q 1",
        "severity": "critical",
    }
    assert alert["annotations"] == {
        "summary": "Code Forge has used up today's budget",
        "description": "Code Forge (Forge) has spent $12.50 of today's $10.00 budget.",
        "dashboard_url": "http://localhost:3000/d/resource-quest/?var-quest=q+1",
        "runbook_url": "http://localhost:9877/-/alerts#questbudgetexceeded",
    }
    assert f'<h2 id="{urlsplit(runbook).fragment}">QuestBudgetExceeded</h2>' in opened


def test_the_readme_starts_prometheus_as_the_page_does() -> None:
    assert f"\n```sh\n{START}\n```\n" in (ROOT / "README.md").read_text(encoding="utf-8")
