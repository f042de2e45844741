"""What ledgers are synced with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from exporter.calendar import Calendar
from exporter.config import Config
from exporter.rollups import Rollups
from exporter.rollups.changes import Advance
from exporter.sources.database import Database
from exporter.sync.worker import Worker
from exporter.telemetry import Telemetry


@dataclass(frozen=True)
class SyncContext:
    """Of one database. ``directory`` is where the rows that were read lie until they are in the rollups."""

    config: Config
    database: Database
    rollups: Rollups
    worker: Worker
    telemetry: Telemetry
    directory: Path
    advances: dict[str, Advance] = field(default_factory=dict)
    """Of ledgers that are in step, to be noted together."""

    @property
    def calendar(self) -> Calendar:
        """The budget days."""
        return Calendar(self.config.timezone)

    def discard(self, files: Iterable[Path]) -> None:
        """Remove files whose rows are in the rollups."""
        for file in files:
            file.unlink()

    def count(self, ledger: str, rows: int) -> None:
        """Count rows that PostgreSQL sent."""
        self.telemetry.ledger_rows_read.labels(ledger).inc(rows)
