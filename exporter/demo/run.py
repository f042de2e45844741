"""``resource-exporter demo``: the fleet and the exporter in one process. Nothing to configure, nothing left behind."""

import asyncio
import os
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter import app
from exporter.config import Config, parse
from exporter.demo import PROFILES, config_text, embedded, ending, progress, say
from exporter.demo.ledgers import History, live, prepare
from exporter.web.server import Address, listen

VARIABLE = "RESOURCE_EXPORTER_DEMO_DSN"
GREETING = """\
{history.days} days of history: {history.calls:,} calls, {history.tasks:,} judged tasks, and more every second.

{links}

The ledgers: psql '{conninfo}'
Ctrl-C stops the demo and removes its data.
"""
FAREWELL = "the demo has stopped and its data is removed"


def run(web: app.Web, seed: int, profile: str) -> None:
    """Fill the tables of a profile in a private PostgreSQL, serve their metrics and keep writing, until SIGINT or SIGTERM.

    Raises:
        AddressError: the address cannot be listened on.
        EmbeddedPostgresError: PostgreSQL is not installed, or does not start.
    """
    ending.interrupt_once()
    try:
        asyncio.run(_require(web.address))
        with ExitStack() as stack:
            with ending.held():
                directory = stack.enter_context(TemporaryDirectory(prefix="resource-exporter-"))
            say("starting a private PostgreSQL")
            _serve(Path(directory), stack.enter_context(embedded()), web, seed, profile)
    except (KeyboardInterrupt, asyncio.CancelledError):
        say(FAREWELL)


async def _require(address: Address) -> None:
    """Raise AddressError if the address is in use, before anything is created."""
    for each in await listen(address):
        each.close()


def _serve(directory: Path, conninfo: str, web: app.Web, seed: int, profile: str) -> None:
    os.environ[VARIABLE] = conninfo
    config = parse(config_text(VARIABLE, directory / "rollups.duckdb", profile), "demo.yml")
    ending.block()
    try:
        asyncio.run(_demo(config, conninfo, web, seed))
    finally:
        ending.ignore()


async def _demo(config: Config, conninfo: str, web: app.Web, seed: int) -> None:
    tables = PROFILES[config.profile]
    with ending.cancelling():
        with progress() as report:
            history = await prepare(conninfo, app.now(), seed, report, tables)
        writer = asyncio.create_task(live(conninfo, history.fleet, app.now, tables))
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
    links = {"/": "the page Resource Dashboard"} | {web.telemetry_path: "the metrics for Prometheus"}
    shown = "\n".join(f"  http://{address}{path:<10} {text}" for path, text in links.items())
    say(GREETING.format(history=history, links=shown, conninfo=conninfo).rstrip())
