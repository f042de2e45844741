"""Rollup files and files of entries, as they are where a ledger is read, without a ledger."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from exporter.config import Config, parse
from exporter.report.context import ReportContext
from exporter.rollups import Rollups
from exporter.rollups.changes import Changes
from exporter.rollups.ranges import Key, KnownRange
from exporter.rollups.staging import COLUMNS, Place

LEDGERS = ("allocations", "costs", "impacts", "quests")
FIRST = date(2026, 5, 12)
TODAY = FIRST + timedelta(days=2)
NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
OPEN = Place(TODAY, date.min, 0)
"""All hours are open: ranges are minutes."""
EVERYTHING = (date.min, 0), (date.max, 1440)

Entry = Mapping[str, Any]
"""A row of a file, by column; what is missing is NULL."""


def configure(zone: str = "UTC", **keys: Any) -> Config:
    document = {
        "timezone": zone,
        "databases": {"main": {"dsn": "dbname=nowhere"}},
        "ledgers": {name: {"database": "main"} for name in LEDGERS},
    }
    return parse(json.dumps(document | keys), Path("config.yml"))


def at(day: date, minute: int, second: int = 0) -> datetime:
    """An instant of UTC, without a zone, as files have it."""
    return datetime(day.year, day.month, day.day) + timedelta(minutes=minute, seconds=second)  # noqa: DTZ001


def _field(value: object) -> str:
    """A field as PostgreSQL writes it, which quotes a carriage return too."""
    if isinstance(value, str) and value:
        return '"' + value.replace('"', '""') + '"'
    return "" if value is None else str(value)


class Files:
    """Writes entries into files of a scratch directory, each with a name of its own."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        self._directory = directory
        self._numbers = count()

    def write(self, ledger: str, entries: Iterable[Entry]) -> Path:
        path = self._directory / f"{ledger}-{next(self._numbers)}.csv"
        with path.open("w", newline="") as file:
            file.writelines(",".join(_field(entry.get(column)) for column in COLUMNS[ledger]) + "\n" for entry in entries)
        return path


class Store:
    """A rollup file, and what is written to it in one line each."""

    def __init__(self, directory: Path, config: Config | None = None) -> None:
        self.config = config or configure()
        self.path = directory / "rollups.duckdb"
        self.rollups = Rollups(self.path, self.config)
        self.files = Files(directory / "rollups.duckdb.reading")

    def begin(self, *ledgers: str) -> None:
        """Build empty ledgers."""
        for ledger in ledgers:
            self.rollups.begin(ledger, "building")
            self.rollups.finish(ledger, "built")

    def changes(
        self, ledger: str, entries: Sequence[Entry], replaced: Sequence[Key] = (), place: Place = OPEN, low: int | None = None
    ) -> Changes:
        return Changes(ledger, "followed", NOW, place, [self.files.write(ledger, entries)], replaced, low)

    def apply(
        self, ledger: str, entries: Sequence[Entry], replaced: Sequence[Key] = (), place: Place = OPEN, low: int | None = None
    ) -> None:
        self.rollups.apply(self.changes(ledger, entries, replaced, place, low))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.rollups.connection.execute(query).fetchall()

    @property
    def report(self) -> ReportContext:
        """What a report at ``NOW`` works with."""
        return ReportContext(self.rollups.connection, self.config, NOW)

    def known(self, ledger: str) -> list[KnownRange]:
        return self.rollups.known(ledger, EVERYTHING)

    def reopen(self) -> None:
        self.rollups.close()
        self.rollups = Rollups(self.path, self.config)
