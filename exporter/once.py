"""Refreshes without a server: over rollups of their own, so that a running exporter is not disturbed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from exporter import __version__
from exporter.app import now, pipeline
from exporter.config import Config, values
from exporter.exposition.bodies import Publisher
from exporter.sync.publication import Clock
from exporter.sync.refresher import Refresher
from exporter.telemetry import Telemetry


@asynccontextmanager
async def apart(config: Config, rollups: Path, clock: Clock = now) -> AsyncIterator[Refresher]:
    """The pipeline over the rollup file ``rollups`` in the place of ``state.path``. Nothing is refreshed yet.

    Raises:
        RollupFileError, OSError: the rollup file cannot be used.
    """
    # Nothing is compacted in a file that is used once.
    state = config.state.model_copy(update={"path": rollups, "tasks_for": timedelta(days=values.MOST_DAYS)})
    telemetry = Telemetry(__version__, "")
    async with pipeline(config.model_copy(update={"state": state}), Publisher(telemetry), telemetry, clock) as refresher:
        yield refresher


def failures(refresher: Refresher) -> dict[str, str]:
    """Why each ledger could not be read at the last attempt, by its name; ledgers that could are left out."""
    return {
        name: database_sync.last_error(name) or "unknown"
        for database_sync in refresher.database_syncs
        for name, up in database_sync.up.items()
        if not up
    }
