"""Compacting the tasks of past months after a refresh, when its numbers are published."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import structlog

from exporter.calendar import Calendar
from exporter.config import Config
from exporter.errors import first_line
from exporter.rollups import RollupFileError, Rollups
from exporter.sync.worker import Worker

log = structlog.get_logger()


@dataclass
class Compaction:
    """Takes as many steps as fit into a quarter of the interval."""

    config: Config
    rollups: Rollups
    worker: Worker
    clock: Callable[[], datetime]
    _busy: bool = field(init=False, default=False)
    _last_error: str | None = field(init=False, default=None)

    async def run(self) -> None:
        """Compact what is due. An error is logged once; the rollups are as they were, and the next refresh tries again."""
        try:
            await self._take_steps()
        except (RollupFileError, duckdb.Error, OSError) as error:
            self.rollups.mark_suspect(error)
            if self._last_error != first_line(error):
                log.warning("tasks cannot be compacted", error=first_line(error))
            self._last_error = first_line(error)
        else:
            self._last_error = None

    async def _take_steps(self) -> None:
        deadline = time.monotonic() + self.config.refresh.interval.total_seconds() / 4
        today = Calendar(self.config.timezone).day_of(self.clock())
        while await self.worker.run(self.rollups.compact, today):
            self._busy = True
            if time.monotonic() > deadline:
                return
        if self._busy:
            log.info("past months compacted")
        self._busy = False
