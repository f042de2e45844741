"""Reloading: which configuration is in use, and what each reload returns."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter import app
from exporter.config import Config
from exporter.control import Control
from exporter.exposition.bodies import Publisher
from exporter.telemetry import Telemetry
from tests.integration.running import PLAIN, configure
from tests.web.serving import PATIENCE

SUCCESSFUL = "resource_exporter_config_last_reload_successful"


class Setting(NamedTuple):
    """A control that reads one configuration after the other, these configurations, and the value of the metric."""

    control: Control
    configs: tuple[Config, ...]
    successful: Callable[[], bool]


@pytest.fixture
async def setting(tmp_path: Path) -> Setting:
    configs = tuple(configure("host=/nowhere", tmp_path / name) for name in ("good", "bad", "other"))
    read = iter(configs)
    publisher = Publisher(telemetry := Telemetry("", ""))
    control = Control(lambda: next(read), telemetry, app.now, publisher.republish)
    return Setting(control, configs, lambda: f"{SUCCESSFUL} 1.0\n" in publisher.body(PLAIN).decode())


async def begun(control: Control) -> asyncio.Task[str | None]:
    """A reload that has begun and waits for its outcome."""
    task = asyncio.create_task(control.reload())
    await asyncio.sleep(0)
    return task


async def outcome(reload: asyncio.Task[str | None]) -> str | None:
    """The outcome of a reload."""
    return await asyncio.wait_for(reload, PATIENCE)


async def used(control: Control, config: Config) -> None:
    """Tell the control that the exporter uses this configuration."""
    using = asyncio.create_task(control.wait(config))
    await asyncio.sleep(0)
    using.cancel()
    await asyncio.wait([using])


async def test_a_reload_ends_when_the_new_configuration_is_in_use(setting: Setting) -> None:
    control, (good, bad, _), successful = setting
    await used(control, control.take())
    reload = await begun(control)
    await used(control, good)
    assert not reload.done()
    assert control.take() is bad
    await used(control, bad)
    assert await outcome(reload) is None
    assert successful()


async def test_a_reload_fails_when_the_new_configuration_cannot_be_used(setting: Setting) -> None:
    control, (good, bad, other), successful = setting
    await used(control, control.take())
    reload = await begun(control)
    assert control.revert(bad, "no such directory")
    assert await outcome(reload) == "no such directory"
    assert not successful()
    assert control.take() is good
    await used(control, good)
    assert not successful()
    reload = await begun(control)
    await used(control, other)
    assert await outcome(reload) is None
    assert successful()


async def test_two_unusable_reloads_go_back_to_the_configuration_in_use(setting: Setting) -> None:
    control, (good, bad, other), _ = setting
    await used(control, control.take())
    reloads = [await begun(control), await begun(control)]
    assert control.revert(bad, "no such directory")
    assert control.take() is other
    assert control.revert(other, "no such disk")
    assert control.take() is good
    assert [await outcome(reload) for reload in reloads] == ["no such disk"] * 2


async def test_a_cancelled_reload_does_not_cancel_the_others(setting: Setting) -> None:
    control = setting.control
    await used(control, control.take())
    left, stays = await begun(control), await begun(control)
    left.cancel()
    await asyncio.wait([left])
    await used(control, control.take())
    assert await outcome(stays) is None


async def test_a_reload_fails_when_the_exporter_stops(setting: Setting) -> None:
    control = setting.control
    await used(control, control.take())
    reload = await begun(control)
    signal.raise_signal(signal.SIGTERM)
    assert await outcome(reload) == "the exporter is stopping"
    assert control.stopping


async def test_there_is_no_way_back_from_the_first_configuration(setting: Setting) -> None:
    assert not setting.control.revert(setting.control.take(), "no such directory")
