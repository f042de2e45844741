"""Numbers that are too old are withdrawn, whatever the refreshes hang on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from exporter import app
from exporter.config import parse
from exporter.exposition.bodies import Publisher
from exporter.telemetry import Telemetry

CONFIG = """
databases: {{main: {{dsn: "{dsn}"}}}}
ledgers: {{costs: {{database: main}}}}
refresh: {{interval: 15s, stale_after: 10m}}
"""
START = datetime(2026, 6, 15, 12, tzinfo=UTC)


async def test_old_numbers_go_without_a_refresh(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO cost_ledger (created_at, provider, cost_usd) VALUES ('2026-06-15 11:00+00', 'codex', 1)"
        )
    clock = [START]
    telemetry = Telemetry("", "")
    publisher = Publisher(telemetry)

    def spend() -> bool:
        assert publisher.snapshot is not None
        return any(family.metric.name == "resource_spend_usd" for family in publisher.snapshot.families)

    config = parse(CONFIG.format(dsn=database), tmp_path / "config.yml")
    async with app.pipeline(config, publisher, telemetry, lambda: clock[0]) as refresher:
        await refresher.publish_if_late()
        assert publisher.snapshot is None  # there is nothing to withdraw yet
        await refresher.refresh(refresher.database_syncs[0])
        assert spend()
        clock[0] = START + timedelta(seconds=30)
        snapshot = publisher.snapshot
        await refresher.publish_if_late()
        assert publisher.snapshot is snapshot
        clock[0] = START + timedelta(minutes=9)
        await refresher.publish_if_late()
        assert spend()
        clock[0] = START + timedelta(minutes=11)
        await refresher.publish_if_late()
        assert not spend()
        await refresher.refresh(refresher.database_syncs[0])
        assert spend()
        clock[0] = START - timedelta(hours=2)  # and so it is not known how old they are
        await refresher.publish_if_late()
        assert not spend()
