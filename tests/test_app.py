"""The exporter stops its parts in an order in which none is closed while another uses it."""

import asyncio
from pathlib import Path

from exporter import app
from exporter.exposition.bodies import Publisher
from exporter.telemetry import Telemetry
from tests.integration.running import configure

LONG = "SELECT max(hash(number)) FROM range(100_000_000) AS numbers (number)"


async def test_rollups_are_closed_after_the_last_statement(tmp_path: Path) -> None:
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
