"""Reloading: which configuration is in use."""

import asyncio
from pathlib import Path

from exporter import app
from exporter.control import Control
from exporter.telemetry import Telemetry
from tests.integration.running import configure


async def test_two_reloads_that_cannot_be_used_lead_back_to_what_was_used(tmp_path: Path) -> None:
    good, bad, worse = (configure("host=/nowhere", tmp_path / name) for name in ("good", "bad", "worse"))
    read = iter((good, bad, worse))
    control = Control(lambda: next(read), Telemetry("", ""), app.now)
    using = asyncio.create_task(control.wait(good))
    await asyncio.sleep(0)
    assert await control.reload() is None
    assert await control.reload() is None
    await using
    assert control.config is worse
    assert control.revert("no such directory")
    assert control.config is good


async def test_a_configuration_that_was_never_used_leads_nowhere(tmp_path: Path) -> None:
    control = Control(lambda: configure("host=/nowhere", tmp_path / "only"), Telemetry("", ""), app.now)
    assert not control.revert("no such directory")
