"""Signals, and reloading the configuration."""

import asyncio
import signal
from collections.abc import Callable
from datetime import datetime

import structlog

from exporter.config import Config, ConfigError
from exporter.telemetry import Telemetry

log = structlog.get_logger()


class Control:
    """What an operator asks of a running exporter: SIGTERM and SIGINT stop it, SIGHUP reloads its configuration.

    A configuration that is wrong at a reload changes nothing: the one before stays, and a metric says that it is so.
    """

    def __init__(self, read: Callable[[], Config], telemetry: Telemetry, clock: Callable[[], datetime]) -> None:
        """Read the configuration for the first time; raises ConfigError."""
        self._read = read
        self._telemetry = telemetry
        self._clock = clock
        self._asked = asyncio.Event()
        self.stopping = False
        self.config = read()
        self._used: Config | None = None
        self._succeeded()
        self._listen()

    async def wait(self, used: Config) -> None:
        """Wait until the exporter, which uses this configuration, shall stop, or go on with another one."""
        self._used = used
        await self._asked.wait()
        self._asked.clear()

    async def reload(self) -> str | None:
        """Read the configuration again; returns None, or what is wrong with it."""
        try:
            after = self._read()
        except ConfigError as error:
            self._failed(str(error))
            return str(error)
        self.config = after
        self._succeeded()
        log.info("configuration reloaded")
        self._asked.set()
        return None

    def revert(self, error: str) -> bool:
        """Go back to what was used last, because one that is right in itself cannot be used; False if nothing was."""
        if self._used is None:
            return False
        self.config, self._used = self._used, None
        self._failed(error)
        return True

    def _failed(self, error: str) -> None:
        self._telemetry.config_reload_successful.set(0)
        log.error("configuration not reloaded, the one before stays", error=error)

    def _succeeded(self) -> None:
        self._telemetry.config_reload_successful.set(1)
        self._telemetry.config_reload_success.set(self._clock().timestamp())

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _stop(self) -> None:
        log.info("stopping")
        self.stopping = True
        self._asked.set()

    def _hang_up(self) -> None:
        self._reloading = asyncio.get_running_loop().create_task(self.reload())
