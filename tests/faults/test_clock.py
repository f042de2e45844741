"""The clock of the machine is set while the exporter is running."""

from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import psycopg
import pytest

from exporter import app
from exporter.exposition.bodies import Publisher
from exporter.telemetry import Telemetry
from tests.faults.stage import wrong
from tests.integration.running import PLAIN, configure
from tests.waiting import until_async


class Clock(datetime):
    """A clock that the test can set."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + cls.ahead


@pytest.mark.parametrize("steps", [(-60, 30), (60 * 24 * 40, -60 * 24 * 60)], ids=["minutes", "weeks"])
async def test_refreshes_continue_after_the_clock_is_set(
    known_ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: tuple[int, ...]
) -> None:
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Clock)
    monkeypatch.setattr(app, "now", lambda: Clock.now(UTC))
    monkeypatch.setattr(Clock, "ahead", timedelta())
    publisher, telemetry = Publisher(Telemetry("", "")), Telemetry("", "")
    config = configure(known_ledger, tmp_path / "rollups", refresh={"interval": "100ms"})

    async def ready() -> bool:
        return publisher.ready

    async def exact() -> bool:
        return not wrong(known_ledger, publisher.body(PLAIN).decode(), Clock.now(UTC))

    async with (
        app.pipeline(config, publisher, telemetry, lambda: Clock.now(UTC)) as refresher,
        app.scheduled(refresher, publisher),
    ):
        await until_async(ready)
        for minutes in steps:
            Clock.ahead += timedelta(minutes=minutes)
            with psycopg.connect(known_ledger) as connection:
                connection.execute("INSERT INTO cost_ledger (created_at, cost_usd) VALUES (now() - interval '90 days', 1)")
            await until_async(exact)
