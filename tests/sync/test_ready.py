"""When the exporter is ready: each configured ledger was read once, or its failure is known."""

from datetime import UTC, datetime
from pathlib import Path

from exporter.app import pipeline
from exporter.exposition.bodies import Publisher
from exporter.telemetry import Telemetry
from tests.integration.running import Clock, configure

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)


async def test_it_waits_for_every_database_and_for_none_that_is_known_to_fail(known_ledger: str, tmp_path: Path) -> None:
    config = configure(
        known_ledger,
        tmp_path / "rollups",
        databases={"good": {"dsn": known_ledger}, "dead": {"dsn": "host=/nowhere"}},
        ledgers={"costs": {"database": "good"}, "impacts": {"database": "dead"}},
    )
    telemetry = Telemetry("", "")
    publisher = Publisher(telemetry)
    async with pipeline(config, publisher, telemetry, Clock(NOW)) as refresher:
        good, dead = refresher.database_syncs
        await refresher.refresh(good)
        assert publisher.snapshot is not None
        assert not publisher.ready
        await refresher.refresh(dead)
        assert publisher.ready


async def test_once_ready_it_stays_so(known_ledger: str, tmp_path: Path) -> None:
    telemetry = Telemetry("", "")
    publisher = Publisher(telemetry)
    async with pipeline(configure(known_ledger, tmp_path / "rollups"), publisher, telemetry, Clock(NOW)) as refresher:
        await refresher.refresh(refresher.database_syncs[0])
    assert publisher.ready
    databases = {"main": {"dsn": known_ledger}, "new": {"dsn": known_ledger}}
    ledgers = {"costs": {"database": "main"}, "impacts": {"database": "new"}}
    reloaded = configure(known_ledger, tmp_path / "other", databases=databases, ledgers=ledgers)
    async with pipeline(reloaded, publisher, telemetry, Clock(NOW)) as refresher:
        await refresher.refresh(refresher.database_syncs[0])
        assert publisher.ready
