"""The whole exporter: its parts, and the order in which they start and stop."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from exporter import __version__
from exporter.config import Config
from exporter.control import Control
from exporter.exposition.bodies import Publisher
from exporter.rollups import REMEDY, RollupFileError, Rollups, scratch_directory
from exporter.sources.database import Database
from exporter.sync.context import SyncContext
from exporter.sync.database import DatabaseSync
from exporter.sync.publication import Clock
from exporter.sync.refresher import Refresher, SectionError
from exporter.sync.worker import Worker
from exporter.telemetry import Telemetry
from exporter.web.access import Guard
from exporter.web.app import build_app
from exporter.web.page.page import PageContext
from exporter.web.server import Address, serve

log = structlog.get_logger()

OWN_METRICS_INTERVAL = timedelta(seconds=1)
DRAIN_TIMEOUT = timedelta(seconds=5)
"""How long a refresh may go on when the exporter stops. A first build takes longer, and is resumed at the next start."""


def now() -> datetime:
    """The exporter's clock."""
    return datetime.now(UTC)


@asynccontextmanager
async def pipeline(config: Config, publisher: Publisher, telemetry: Telemetry, clock: Clock = now) -> AsyncIterator[Refresher]:
    """Everything between the ledgers and the snapshots, without a schedule.

    Raises:
        RollupFileError, OSError: the rollup file, or the scratch directory beside it, cannot be used.
    """
    directory = scratch_directory(config.state.path)
    async with AsyncExitStack() as stack:
        worker = stack.enter_context(Worker())
        rollups = await worker.run(Rollups, config.state.path, config)
        stack.push_async_callback(worker.run, rollups.close)  # after the work in progress
        shutil.rmtree(directory, ignore_errors=True)  # of a process that was killed
        _create(directory)
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        database_syncs = []
        for source in config.databases.values():
            database = await stack.enter_async_context(Database(source, config.refresh.statement_timeout))
            database_syncs.append(DatabaseSync(SyncContext(config, database, rollups, worker, telemetry, directory)))
        yield Refresher(config, database_syncs, rollups, worker, publisher, telemetry, clock)


def _create(directory: Path) -> None:
    try:
        directory.mkdir(0o700)
    except OSError as error:
        raise RollupFileError(f"{directory} cannot be made; {REMEDY}") from error


@dataclass(frozen=True, slots=True)
class Web:
    """The address, the path of the metrics, the web configuration file, and whether ``POST /-/reload`` is enabled."""

    address: Address
    telemetry_path: str = "/metrics"
    lifecycle: bool = False
    config_file: Path | None = None


async def run(read: Callable[[], Config], web: Web, started: Callable[[int], None] = lambda _: None) -> None:
    """Serve until SIGTERM or SIGINT. ``read`` reads the configuration, also at a reload; ``started`` is called with the port.

    Raises:
        ConfigError: a configuration file is wrong at the start. At a reload, the previous configuration stays in use.
        RollupFileError, OSError: the rollup file or the address cannot be used.
    """
    os.umask(0o077)  # only this user may read the rollup files, which DuckDB creates at any time
    telemetry = Telemetry(__version__, revision())
    publisher = Publisher(telemetry)
    guard = Guard(web.config_file)

    def read_all() -> Config:
        config = read()
        guard.reload()
        return config

    control = Control(read_all, telemetry, now, publisher.republish)
    context = PageContext(version=__version__, telemetry_path=web.telemetry_path)
    reload = control.reload if web.lifecycle else None
    application = build_app(publisher, context, guard, reload, lambda: control.stopping)
    async with serve(application, web.address, guard) as port:

        def announce() -> None:
            log.info("listening", host=web.address.host or "all", port=port, path=web.telemetry_path)
            started(port)

        await _serve(control, publisher, telemetry, announce)


async def _serve(control: Control, publisher: Publisher, telemetry: Telemetry, announce: Callable[[], None]) -> None:
    """Serve with each configuration until the exporter stops; return to the previous one if a new one cannot be used.

    A configuration is also unusable if a section fails that worked with the previous one. ``announce`` is called once the
    rollups are open, because without them the exporter exits.
    """
    used: Config | None = None
    working: frozenset[str] = frozenset()
    while not control.stopping:
        config = control.take()
        try:
            async with pipeline(config, publisher, telemetry) as refresher:
                await refresher.require(frozenset() if config is used else working)
                if used is None:
                    announce()
                async with scheduled(refresher, publisher):
                    await control.wait(config)
                used, working = config, refresher.working
        except (RollupFileError, SectionError, OSError) as error:
            if not control.revert(config, str(error)):
                raise


class Every(BaseTrigger):  # type: ignore[misc]  # published without types
    """One interval after the current time.

    APScheduler's IntervalTrigger counts from the previous run. When the clock is set forward, it computes every missed run.
    """

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The time of the next run."""
        return now + self._interval


@asynccontextmanager
async def scheduled(refresher: Refresher, publisher: Publisher) -> AsyncIterator[None]:
    """Refresh from each database at every interval, one refresh of it at a time. At the end, wait for running refreshes."""
    await refresher.publish_rollups()
    every = Every(refresher.config.refresh.interval)
    scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
    for database_sync in refresher.database_syncs:
        scheduler.add_job(refresher.refresh, every, [database_sync], next_run_time=now())
    scheduler.add_job(refresher.publish_if_late, every)
    scheduler.add_job(publisher.republish, Every(OWN_METRICS_INTERVAL))
    scheduler.start()
    clock = asyncio.create_task(_follow_clock(scheduler))
    try:
        yield
    finally:
        clock.cancel()
        scheduler.pause()
        await refresher.drain(DRAIN_TIMEOUT)
        scheduler.shutdown(wait=False)


async def _follow_clock(scheduler: AsyncIOScheduler) -> None:
    """Run all jobs when the clock is set back: APScheduler stores times of day, and would wait until the clock reaches them."""
    while True:
        before = now()
        await asyncio.sleep(OWN_METRICS_INTERVAL.total_seconds())
        if now() < before:
            for job in scheduler.get_jobs():
                job.modify(next_run_time=now())


def revision() -> str:
    """The revision, from the container image or the package; ``unknown`` in a checkout."""
    return os.environ.get("RESOURCE_EXPORTER_REVISION", "unknown")
