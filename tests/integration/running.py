"""The exporter in process, over real databases, with a clock that the test turns; what it serves, read back from the bytes."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from exporter.app import pipeline
from exporter.config import Config, parse
from exporter.exposition.bodies import Publisher
from exporter.exposition.negotiation import Encoding, Format, Representation
from exporter.sync.refresher import Refresher
from exporter.telemetry import PREFIX, Telemetry
from exporter.web.page.page import Page as Dashboard
from exporter.web.page.page import PageContext
from tests.integration.page import Labels, Page

PLAIN = Representation(Format.TEXT, Encoding.IDENTITY)
LEDGERS = ("allocations", "costs", "impacts", "quests")
COUNTS = ("_calls", "_tasks", "_tokens")
Samples = dict[str, dict[Labels, float]]


@dataclass
class Clock:
    """A clock that stands still until it is turned."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


def configure(conninfo: str, state: Path, **keys: Any) -> Config:
    """A configuration of all four ledgers in one database, with further top-level keys in the place of the defaults."""
    document = {
        "databases": {"main": {"dsn": conninfo}},
        "ledgers": {name: {"database": "main"} for name in LEDGERS},
        "state": {"path": str(state)},
    }
    return parse(json.dumps(document | keys), Path("config.yml"))


class Exporter:
    """A running exporter."""

    def __init__(self, refresher: Refresher, publisher: Publisher, telemetry: Telemetry) -> None:
        self._refresher = refresher
        self._publisher = publisher
        self._telemetry = telemetry

    async def refresh(self, times: int = 1) -> None:
        """Refresh every database so often; each refresh must succeed."""
        for _ in range(times):
            before = self.own("refreshes_total", outcome="success")
            await self.attempt()
            assert self.own("refreshes_total", outcome="success") == before + len(self._refresher.database_syncs)

    async def attempt(self) -> None:
        """Refresh every database, which need not succeed."""
        for database_sync in self._refresher.database_syncs:
            await self._refresher.refresh(database_sync)

    def last_error(self, ledger: str) -> str:
        """Why a ledger could not be read, nothing if it could."""
        return "".join(filter(None, (each.last_error(ledger) for each in self._refresher.database_syncs)))

    def execute(self, statement: str) -> None:
        """Do something to the rollups behind the exporter's back."""
        self._refresher.rollups.connection.execute(statement)

    def page(self) -> str:
        """What Prometheus would scrape."""
        return self._publisher.body(PLAIN).decode()

    def dashboard(self) -> str:
        """The page for people."""
        return Dashboard(PageContext("v", "/metrics")).html(self._publisher.snapshot)

    async def last_errors(self, times: int = 2) -> dict[str, str]:
        """Refresh every database so often, whatever comes of it; why ledgers could not be read the last time."""
        for _ in range(times):
            for database_sync in self._refresher.database_syncs:
                await self._refresher.refresh(database_sync)
        found = {
            name: database_sync.last_error(name)
            for database_sync in self._refresher.database_syncs
            for name in database_sync.up
        }
        return {name: last_error for name, last_error in found.items() if last_error}

    async def publish_rollups(self) -> None:
        """Publish what an earlier exporter left in the rollup file."""
        await self._refresher.publish_rollups()

    def own(self, name: str, **labels: str) -> float:
        """A metric about the exporter's own work."""
        return self._telemetry.registry.get_sample_value(PREFIX + name, labels) or 0.0

    def rejected(self, ledger: str) -> float:
        """Rejected rows of one ledger, for whatever reason."""
        return sum(
            sample.value
            for family in self._telemetry.registry.collect()
            for sample in family.samples
            if sample.name == PREFIX + "rejected_rows" and sample.labels["ledger"] == ledger
        )

    def samples(self) -> Samples:
        """All data samples of the page."""
        return parsed(self.page())


def parsed(text: str) -> Samples:
    """All data samples of a page as Prometheus would scrape it."""
    served: Samples = {}
    for name, labels, value in _data(text):
        family = served.setdefault(name, {})
        assert labels not in family, f"{name} twice: {labels}"
        family[labels] = value
    return served


def _data(text: str) -> Iterator[tuple[str, Labels, float]]:
    for family in text_string_to_metric_families(text):
        if family.name.startswith("resource_") and not family.name.startswith(PREFIX):
            yield from ((sample.name, frozenset(sample.labels.items()), sample.value) for sample in family.samples)


@asynccontextmanager
async def running(config: Config, clock: Clock) -> AsyncIterator[Exporter]:
    """An exporter that refreshes when it is told to."""
    telemetry = Telemetry("v", "r")
    publisher = Publisher(telemetry)
    async with pipeline(config, publisher, telemetry, clock) as refresher:
        yield Exporter(refresher, publisher, telemetry)


def differences(served: Samples, page: Page) -> list[str]:
    """Every sample that differs from the model's page: label sets and counts exactly, amounts to a billionth."""
    found = []
    for name in sorted(served.keys() | page.samples.keys()):
        got, expected = served.get(name, {}), page.samples.get(name, {})
        for labels in sorted(got.keys() | expected.keys(), key=sorted):
            wanted = float(expected[labels]) if labels in expected else None
            if not _equal(got.get(labels), wanted, 0 if name.endswith(COUNTS) else 1e-9):
                found.append(f"{name}{dict(sorted(labels))}: expected {wanted}, got {got.get(labels)}")
    return found


def _equal(got: float | None, wanted: float | None, tolerance: float) -> bool:
    if got is None or wanted is None:
        return got is wanted
    return abs(got - wanted) <= tolerance * max(abs(wanted), 1e-9)
