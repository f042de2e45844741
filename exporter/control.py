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
    """Handles SIGTERM and SIGINT, which stop the exporter, and SIGHUP, which reloads its configuration.

    A reload with a configuration that is wrong, or that cannot be used, changes nothing: the previous configuration stays in
    use, and ``config_last_reload_successful`` is 0. ``republish`` publishes that metric.
    """

    def __init__(
        self, read: Callable[[], Config], telemetry: Telemetry, clock: Callable[[], datetime], republish: Callable[[], None]
    ) -> None:
        """Read the configuration for the first time; raises ConfigError."""
        self._read = read
        self._telemetry = telemetry
        self._clock = clock
        self._republish = republish
        self._asked = asyncio.Event()
        self._outcome: asyncio.Future[str | None] | None = None
        self.stopping = False
        self._wanted = read()
        self._used: Config | None = None
        self._succeeded()
        self._listen()

    def take(self) -> Config:
        """Return the configuration to use next."""
        self._asked.clear()
        return self._wanted

    async def wait(self, used: Config) -> None:
        """Wait until the exporter, which now uses this configuration, must stop or use another one."""
        self._used = used
        if self._outcome and used is self._wanted:
            self._succeeded()
            log.info("configuration reloaded")
            self._settle(None)
        await self._asked.wait()

    async def reload(self) -> str | None:
        """Read the configuration again and wait until it is in use. Returns None, or the error.

        When several reloads overlap, the last configuration counts, and all of them return its outcome.
        """
        wrong = self._load()
        if wrong is None and self._outcome:
            wrong = await asyncio.shield(self._outcome)
        return wrong

    def revert(self, tried: Config, error: str) -> bool:
        """Go back to the configuration used before, because ``tried`` is valid but cannot be used.

        Returns False when there is none to go back to.
        """
        if tried is not self._wanted:  # a newer configuration is waiting to be tried
            return True
        if self._used is None:
            return False
        self._wanted, self._used = self._used, None
        self._failed(error)
        self._settle(error)
        return True

    def _load(self) -> str | None:
        """Read the configuration again. Returns None, or the error."""
        try:
            self._wanted = self._read()
        except ConfigError as error:
            self._failed(str(error))
            return str(error)
        self._outcome = self._outcome or asyncio.get_running_loop().create_future()
        self._asked.set()
        return None

    def _settle(self, wrong: str | None) -> None:
        """Give the outcome to everybody who waits for a reload: None, or the error."""
        if self._outcome:
            self._outcome.set_result(wrong)
            self._outcome = None

    def _failed(self, error: str) -> None:
        self._telemetry.config_reload_successful.set(0)
        self._republish()
        log.error("configuration not reloaded, the previous one stays in use", error=error)

    def _succeeded(self) -> None:
        self._telemetry.set_shard(self._wanted.shard)
        self._telemetry.config_reload_successful.set(1)
        self._telemetry.config_reload_success.set(self._clock().timestamp())
        self._republish()

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._load)

    def _stop(self) -> None:
        log.info("stopping")
        self.stopping = True
        self._settle("the exporter is stopping")
        self._asked.set()
