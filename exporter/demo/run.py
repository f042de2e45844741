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

VARIABLE = "RESOURCE_EXPORTER_DEMO_DSN"
GREETING = """\
The fleet of the last {history.days} days: {history.calls:,} calls of {history.tasks:,} judged tasks, and more every second.

  http://{address}/          the Resource Dashboard as a page
  http://{address}{path}   what Prometheus scrapes

The ledgers: psql '{conninfo}'
Ctrl-C ends the demo and removes all of it.
"""


def run(web: app.Web, seed: int) -> None:
    """Fill a private PostgreSQL, serve over it and keep writing, until SIGINT or SIGTERM.

    Raises:
        EmbeddedPostgresError: PostgreSQL is not installed, or does not start.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the exporter stands, so that the server is removed
    with TemporaryDirectory(prefix="resource-exporter-") as directory, embedded() as conninfo:
        os.environ[VARIABLE] = conninfo
        config = parse(config_text(VARIABLE, Path(directory) / "rollups.duckdb"), "demo.yml")
        asyncio.run(_demo(config, conninfo, web, seed))


async def _demo(config: Config, conninfo: str, web: app.Web, seed: int) -> None:
    with progress() as report:
        history = await prepare(conninfo, app.now(), seed, report)
    writer = asyncio.create_task(live(conninfo, history.fleet, app.now))
    serving = asyncio.create_task(app.run(lambda: config, web, lambda port: _greet(history, web, port, conninfo)))
    done, _ = await asyncio.wait((writer, serving), return_when=asyncio.FIRST_COMPLETED)
    for task in (writer, serving):
        task.cancel()
    await asyncio.gather(writer, serving, return_exceptions=True)
    for task in done:
        task.result()


def _greet(history: History, web: app.Web, port: int, conninfo: str) -> None:
    host = web.address.host or "localhost"
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    sys.stdout.write(GREETING.format(history=history, address=address, path=web.telemetry_path, conninfo=conninfo))
    sys.stdout.flush()
