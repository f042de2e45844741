"""The real exporter as a separate process, and helpers to query it."""

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.waiting import DEADLINE, until

LEDGERS = """\
databases:
  main: {{dsn_env: LEDGERS_DSN}}
ledgers:
  allocations: {{database: main}}
  costs: {{database: main}}
  impacts: {{database: main}}
  quests: {{database: main}}
timezone: {timezone}
state: {{path: rollups.duckdb}}
refresh: {{interval: 500ms}}
"""


@dataclass(frozen=True)
class Reply:
    """The response to an HTTP request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Exporter:
    """A running exporter. ``log`` is the file with its standard error."""

    process: subprocess.Popen[str]
    log: Path
    port: int = 0
    context: ssl.SSLContext | None = None
    authorization: str | None = None

    def get(self, path: str, method: str = "GET", **headers: str) -> Reply:
        """Send one request, over TLS if a context is given. Header names are given with underscores."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.authorization:
            names["Authorization"] = self.authorization
        scheme = "https" if self.context else "http"
        request = Request(f"{scheme}://127.0.0.1:{self.port}{path}", method=method, headers=names)
        try:
            with urlopen(request, timeout=DEADLINE, context=self.context) as reply:
                return Reply(reply.status, dict(reply.headers), reply.read())
        except HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read())

    def page(self) -> str:
        """The response to a scrape."""
        return self.get("/metrics").body.decode()

    def data(self) -> list[str]:
        """The data samples that do not depend on the time of day."""
        budget = ("resource_quest_budget_elapsed", "resource_quest_budget_projected")
        volatile = ("resource_budget_day_elapsed_ratio", "resource_quest_projected_spend_usd", *budget)
        lines = self.page().splitlines()
        return [
            line for line in lines if line.startswith("resource_") and not line.startswith(("resource_exporter_", *volatile))
        ]

    def wait(self, path: str = "/-/ready") -> None:
        """Wait until the path answers 200."""
        self.until(lambda: self.get(path).status == 200)

    def until(self, condition: Callable[[], object], patience: float = DEADLINE) -> None:
        """Wait until the condition holds, or fail with the log after this many seconds."""

        def held() -> object:
            found = condition()
            assert found or self.process.poll() is None, self.log.read_text()
            return found

        until(held, self.log.read_text, patience)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(how)
        return self.process.wait(DEADLINE)

    def _listening(self) -> bool:
        for line in self.log.read_text().splitlines():
            if line.startswith("{") and json.loads(line).get("msg") == "listening":
                self.port = json.loads(line)["port"]
        return self.port > 0


@contextmanager
def running(directory: Path, command: str, *flags: str, **environment: str) -> Iterator[Exporter]:
    """Run ``resource-exporter`` with a command on a free port; it is killed at the end if it is still running."""
    with started(
        [sys.executable, "-m", "exporter"], directory, command, *flags, environment=os.environ | environment
    ) as exporter:
        yield exporter


@contextmanager
def started(
    program: Sequence[str], directory: Path, command: str, *flags: str, environment: Mapping[str, str]
) -> Iterator[Exporter]:
    """The same for another installation, in this environment only."""
    log = directory / "exporter.log"
    arguments = [*program, command, "--web.listen-address=127.0.0.1:0", "--log.format=json", *flags]
    with log.open("w") as stream, (directory / "exporter.out").open("w") as out:
        process = subprocess.Popen(arguments, stderr=stream, stdout=out, text=True, env=environment)
    exporter = Exporter(process, log)
    try:
        exporter.until(exporter._listening)
        yield exporter
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@contextmanager
def serving(
    directory: Path,
    conninfo: str,
    config: str = LEDGERS,
    *,
    timezone: str = "UTC",
    flags: Sequence[str] = (),
    context: ssl.SSLContext | None = None,
    authorization: str | None = None,
) -> Iterator[Exporter]:
    """Run ``resource-exporter serve`` with a database and its files in the directory; yields once it is ready."""
    (directory / "config.yml").write_text(config.format(timezone=timezone))
    with running(directory, "serve", f"--config.file={directory / 'config.yml'}", *flags, LEDGERS_DSN=conninfo) as exporter:
        exporter.context, exporter.authorization = context, authorization
        exporter.wait()
        yield exporter
