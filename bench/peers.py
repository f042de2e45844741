"""The exporters that a user would pick instead, each given the same questions in its own configuration."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.processes import NOTHING, Program, free_port, started
from bench.questions import Question

ENVIRONMENT: Final = Path(__file__).parent.parent / ".bench"
"""Where ``make bench`` installs query-exporter, apart from the project's own dependencies."""
HOUR: Final = 3600
PATIENCE: Final = 900.0
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """An exporter: its program, how to install, configure and start it, and how a metric of a question looks on its page."""

    name: str
    program: str
    package: str
    install: str
    configure: Callable[[Sequence[Question], str], Document]
    arguments: Callable[[Path, int], list[str]]
    marker: Callable[[Question, str], str]
    environment: Callable[[str], Mapping[str, str]] = lambda _: NOTHING

    @property
    def path(self) -> str | None:
        """Where the program is; None when it is not installed."""
        return shutil.which(self.program, path=f"{ENVIRONMENT / 'bin'}") or shutil.which(self.program)

    @property
    def role(self) -> str:
        """The database role that tells its statements apart."""
        return self.name.replace("-", "_")

    def state(self) -> str:
        """Its version, or that it is not measured and how to install it."""
        return self.version() if self.path else f"not measured: not installed; fix: {self.install}"

    def version(self) -> str:
        """What the program, or else the package that it came in, says."""
        for command in (["dpkg-query", "--show", "--showformat=${Version}", self.package], [str(self.path), "--version"]):
            if shutil.which(command[0]):
                done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
                if not done.returncode:
                    return (done.stdout + done.stderr).split("\n")[0].strip()
        return "unknown"

    @contextmanager
    def running(self, asked: Sequence[Question], url: str, directory: Path) -> Iterator[Program]:
        """The exporter over a database, which begins at once to ask."""
        config, port = directory / f"{self.name}.yml", free_port()
        config.write_text(json.dumps(self.configure(asked, url)), encoding="utf-8")  # JSON is YAML
        command = [str(self.path), *self.arguments(config, port)]
        page = f"http://127.0.0.1:{port}/metrics"
        with started(command, page, directory / f"{self.name}.log", self.environment(url)) as program:
            yield program

    def refresh(self, program: Program, asked: Sequence[Question], patience: float = PATIENCE) -> float:
        """Wait until every question is answered; returns the seconds since the start."""
        markers = [self.marker(each, value) for each in asked for value in each.values]

        def answered() -> bool:
            page = program.page()
            return page is not None and all(marker in page for marker in markers)

        return program.until(answered, patience, pause=0.2)


def _query_exporter(asked: Sequence[Question], url: str) -> Document:
    metrics = {value: {"type": "gauge", "labels": list(each.labels)} for each in asked for value in each.values}
    queries = {
        each.name: {"databases": ["ledgers"], "interval": HOUR, "metrics": list(each.values), "sql": each.sql} for each in asked
    }
    return {"databases": {"ledgers": {"dsn": url}}, "metrics": metrics, "queries": queries}


def _sql_exporter(asked: Sequence[Question], url: str) -> Document:
    queries = [
        {"name": each.name, "help": each.name, "labels": list(each.labels), "values": list(each.values), "query": each.sql}
        for each in asked
    ]
    connection = url.replace("postgresql://", "postgres://")  # the one name of the driver that it knows
    return {"jobs": [{"name": "ledgers", "interval": f"{HOUR}s", "connections": [connection], "queries": queries}]}


def _postgres_exporter(asked: Sequence[Question], _: str) -> Document:
    def metrics(each: Question) -> list[Document]:
        usages = [(label, "LABEL") for label in each.labels] + [(value, "GAUGE") for value in each.values]
        return [{column: {"usage": usage, "description": column}} for column, usage in usages]

    return {each.name: {"query": each.sql, "metrics": metrics(each)} for each in asked}


PEERS: Final = (
    Peer(
        "query-exporter",
        "query-exporter",
        "query-exporter",
        "make bench, which runs .bench/bin/pip install query-exporter==5.0.2 'psycopg[binary]'",
        _query_exporter,
        lambda config, port: [f"--config={config}", "--host=127.0.0.1", f"--port={port}"],
        lambda _, value: f"{value}{{",
    ),
    Peer(
        "sql_exporter",
        "prometheus-sql-exporter",
        "prometheus-sql-exporter",
        "apt-get install --no-install-recommends prometheus-sql-exporter",
        _sql_exporter,
        lambda config, port: [f"-config.file={config}", f"-web.listen-address=127.0.0.1:{port}"],
        lambda _, value: f'col="{value}"',
    ),
    Peer(
        "postgres_exporter",
        "prometheus-postgres-exporter",
        "prometheus-postgres-exporter",
        "apt-get install --no-install-recommends prometheus-postgres-exporter",
        _postgres_exporter,
        lambda config, port: [
            f"--extend.query-path={config}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--disable-default-metrics",
            "--disable-settings-metrics",
            "--no-collector.database",
            "--no-collector.bgwriter",
        ],
        lambda each, value: f"{each.name}_{value}{{",
        lambda url: {"DATA_SOURCE_NAME": url},
    ),
)
