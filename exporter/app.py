"""The exporter as a whole: which parts there are, who owns them, and in which order they begin and end."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from exporter import __version__
from exporter.config import Config
from exporter.database import Database
from exporter.exposition.bodies import Publisher
from exporter.refresh.collection import Collection
from exporter.refresh.follower import Tools
from exporter.refresh.refresher import Clock, Refresher
from exporter.refresh.worker import Worker
from exporter.rollups import Rollups
from exporter.telemetry import Telemetry
from exporter.web.app import build_app
from exporter.web.page import PageContext
from exporter.web.server import Address, serve

log = structlog.get_logger()

OWN_METRICS_INTERVAL = timedelta(seconds=1)
DRAIN_PATIENCE = timedelta(seconds=5)
"""How long a refresh may go on when the exporter stops; a first build, which takes longer, is begun anew next time."""


def now() -> datetime:
    """The exporter's clock."""
    return datetime.now(UTC)


@asynccontextmanager
async def pipeline(config: Config, publisher: Publisher, telemetry: Telemetry, clock: Clock = now) -> AsyncIterator[Refresher]:
    """All that turns ledgers into snapshots, without a schedule.

    Raises:
        RollupFileError, OSError: the rollup file, or the directory beside it, cannot be used.
    """
    directory = config.state_path.with_name(config.state_path.name + ".reading")
    async with AsyncExitStack() as stack:
        worker = stack.enter_context(Worker())
        rollups = stack.enter_context(closing(await worker.run(Rollups, config.state_path, config)))
        shutil.rmtree(directory, ignore_errors=True)  # left behind by a process that was killed
        directory.mkdir()
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        collections = []
        for source in config.databases.values():
            database = await stack.enter_async_context(Database(source, config.refresh.statement_timeout))
            collections.append(Collection(Tools(config, database, rollups, worker, telemetry, directory)))
        yield Refresher(config, collections, rollups, worker, publisher, telemetry, clock)


async def run(config: Config, address: Address, telemetry_path: str, started: Callable[[int], None] = lambda _: None) -> None:
    """Serve until SIGTERM or SIGINT; ``started`` is told the port.

    Raises:
        RollupFileError, OSError: the rollup file or the address cannot be used.
    """
    telemetry = Telemetry(__version__, revision())
    telemetry.config_reload_successful.set(1)
    telemetry.config_reload_success.set(now().timestamp())
    publisher = Publisher(telemetry)
    context = PageContext(version=__version__, telemetry_path=telemetry_path)
    stopped = _stop_signal()
    async with pipeline(config, publisher, telemetry) as refresher, serve(build_app(publisher, context), address) as port:
        log.info("listening", host=address.host or "all", port=port, path=telemetry_path)
        started(port)
        async with scheduled(refresher, publisher, config.refresh.interval):
            await stopped.wait()
            log.info("stopping")


@asynccontextmanager
async def scheduled(refresher: Refresher, publisher: Publisher, interval: timedelta) -> AsyncIterator[None]:
    """Refresh from each database at every interval, never twice at a time; at the end, the refreshes under way are ended."""
    await refresher.publish_rollups()
    scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
    for collection in refresher.collections:
        scheduler.add_job(
            refresher.refresh, IntervalTrigger(seconds=interval.total_seconds()), [collection], next_run_time=now()
        )
    scheduler.add_job(publisher.republish, IntervalTrigger(seconds=OWN_METRICS_INTERVAL.total_seconds()))
    scheduler.start()
    try:
        yield
    finally:
        scheduler.pause()
        await refresher.drain(DRAIN_PATIENCE)
        scheduler.shutdown(wait=False)


def revision() -> str:
    """What was built, as the container image or the package says; ``unknown`` from a checkout."""
    return os.environ.get("RESOURCE_EXPORTER_REVISION", "unknown")


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped
