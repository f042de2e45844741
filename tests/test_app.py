"""The parts of the exporter are ended in an order in which none is taken from under another."""

import asyncio
from pathlib import Path

from exporter import app
from exporter.exposition.bodies import Publisher
from exporter.telemetry import Telemetry
from tests.integration.running import configure

LONG = "SELECT max(hash(number)) FROM range(100_000_000) AS numbers (number)"


async def test_what_is_done_to_the_rollups_is_ended_before_they_are_closed(tmp_path: Path) -> None:
    telemetry = Telemetry("", "")
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with app.pipeline(configure("host=/nowhere", tmp_path / "rollups"), Publisher(telemetry), telemetry) as refresher:

        def work() -> bool:
            loop.call_soon_threadsafe(begun.set)
            return bool(refresher.rollups.connection.execute(LONG).fetchall())

        working = asyncio.create_task(refresher.worker.run(work))
        await begun.wait()
    assert await working
