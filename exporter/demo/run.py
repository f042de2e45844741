"""``resource-exporter demo``: everything in one process, with nothing to configure and nothing left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter import app
from exporter.config import Config, parse
from exporter.demo import config_text, embedded, progress
from exporter.demo.ledgers import History, live, prepare
from exporter.web.server import Address

VARIABLE = "RESOURCE_EXPORTER_DEMO_DSN"
GREETING = """\
The fleet of the last {history.days} days: {history.calls:,} calls of {history.tasks:,} judged tasks, and more every second.

  http://{host}:{port}/          the Resource Dashboard as a page
  http://{host}:{port}{path}   what Prometheus scrapes

The ledgers: psql '{conninfo}'
Ctrl-C ends the demo and removes all of it.
"""


def run(address: Address, telemetry_path: str, seed: int) -> None:
    """Fill a private PostgreSQL, serve over it and keep writing, until SIGINT or SIGTERM.

    Raises:
        EmbeddedPostgresError: PostgreSQL is not installed, or does not start.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the exporter stands, so that the server is removed
    with TemporaryDirectory(prefix="resource-exporter-") as directory, embedded() as conninfo:
        os.environ[VARIABLE] = conninfo
        config = parse(config_text(VARIABLE, Path(directory) / "rollups.duckdb"), "demo.yml")
        asyncio.run(_demo(config, conninfo, address, telemetry_path, seed))


async def _demo(config: Config, conninfo: str, address: Address, telemetry_path: str, seed: int) -> None:
    with progress() as report:
        history = await prepare(conninfo, app.now(), seed, report)
    writer = asyncio.create_task(live(conninfo, history.fleet, app.now))
    serving = asyncio.create_task(
        app.run(config, address, telemetry_path, lambda port: _greet(history, address, port, telemetry_path, conninfo))
    )
    done, _ = await asyncio.wait((writer, serving), return_when=asyncio.FIRST_COMPLETED)
    for task in (writer, serving):
        task.cancel()
    await asyncio.gather(writer, serving, return_exceptions=True)
    for task in done:
        task.result()


def _greet(history: History, address: Address, port: int, path: str, conninfo: str) -> None:
    host = address.host or "localhost"
    text = GREETING.format(history=history, host=f"[{host}]" if ":" in host else host, port=port, path=path, conninfo=conninfo)
    sys.stdout.write(text)
    sys.stdout.flush()
