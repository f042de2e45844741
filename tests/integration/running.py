"""The exporter in the test process, with real databases and a clock that the test sets. Samples are parsed from its bytes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from exporter.app import pipeline
from exporter.config import Config, from_settings
from exporter.exposition.bodies import Publisher
from exporter.exposition.negotiation import Encoding, Format, Representation
from exporter.once import failures
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
    """A clock that stands still until the test sets it."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


def configure(conninfo: str, state: Path, **keys: Any) -> Config:
    """A configuration of all four ledgers in one database; further top-level keys replace the defaults."""
    document = {
        "databases": {"main": {"dsn": conninfo}},
        "ledgers": {name: {"database": "main"} for name in LEDGERS},
        "state": {"path": str(state)},
    }
    return from_settings(document | keys)


class Exporter:
    """A running exporter."""

    def __init__(self, refresher: Refresher, publisher: Publisher, telemetry: Telemetry) -> None:
        self._refresher = refresher
        self._publisher = publisher
        self._telemetry = telemetry

    async def refresh(self, times: int = 1) -> None:
        """Refresh every database this many times; each refresh must succeed."""
        for _ in range(times):
            before = self.own("refreshes_total", outcome="success")
            await self.attempt()
            assert self.own("refreshes_total", outcome="success") == before + len(self._refresher.database_syncs)

    async def attempt(self) -> None:
        """Refresh every database; a refresh may fail."""
        for database_sync in self._refresher.database_syncs:
            await self._refresher.refresh(database_sync)

    def last_error(self, ledger: str) -> str:
        """The last error of a ledger; None if it could be read."""
        return "".join(filter(None, (each.last_error(ledger) for each in self._refresher.database_syncs)))

    def execute(self, statement: str) -> None:
        """Change the rollups without the exporter's knowledge."""
        self._refresher.rollups.connection.execute(statement)

    def page(self) -> str:
        """The response to a scrape."""
        return self._publisher.body(PLAIN).decode()

    def dashboard(self) -> str:
        """The HTML page."""
        return Dashboard(PageContext("v", "/metrics")).body(self._publisher.snapshot).decode()

    async def last_errors(self, times: int = 2) -> dict[str, str]:
        """Refresh every database this many times, also after failures. Returns the errors of the last time by ledger."""
        for _ in range(times):
            await self.attempt()
        return failures(self._refresher)

    async def publish_rollups(self) -> None:
        """Publish the content of an existing rollup file."""
        await self._refresher.publish_rollups()

    def own(self, name: str, **labels: str) -> float:
        """The value of one of the exporter's own metrics."""
        return self._telemetry.registry.get_sample_value(PREFIX + name, labels) or 0.0

    def rejected(self, ledger: str) -> float:
        """The number of rejected rows of a ledger, for all reasons."""
        return sum(
            sample.value
            for family in self._telemetry.registry.collect()
            for sample in family.samples
            if sample.name == PREFIX + "rejected_rows" and sample.labels["ledger"] == ledger
        )

    def samples(self) -> Samples:
        """All data samples."""
        return parsed(self.page())


def parsed(text: str) -> Samples:
    """All data samples of the response to a scrape."""
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
    """An exporter that refreshes only when the test asks for it."""
    telemetry = Telemetry("v", "r")
    publisher = Publisher(telemetry)
    async with pipeline(config, publisher, telemetry, clock) as refresher:
        yield Exporter(refresher, publisher, telemetry)


def differences(served: Samples, page: Page) -> list[str]:
    """The samples that differ from the model: label sets and counts exactly, amounts by more than a billionth."""
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
