"""The web configuration as it is now: read again when a file changes, and kept when the change is wrong."""

from pathlib import Path

import structlog

from exporter.config import ConfigError
from exporter.web.access.loader import Access, load

log = structlog.get_logger()


class Guard:
    """Holds the ``access`` that new connections and requests are given."""

    def __init__(self, path: Path | None = None) -> None:
        """Read the file for the first time, or let everybody in without one; raises ConfigError."""
        self._path = path
        self._wrong: str | None = None
        self.access = Access()
        self.reload()

    def reload(self) -> None:
        """Read the file again.

        Raises:
            ConfigError: it cannot be used; the access before stays.
        """
        if self._path is None:
            return
        try:
            self.access = load(self._path)
        except ConfigError as error:
            self._wrong = str(error)
            raise
        self._wrong = None

    def follow(self) -> None:
        """Read the files again if any has changed; what is wrong with them is logged once."""
        if not self.access.outdated:
            return
        before = self._wrong
        try:
            self.reload()
        except ConfigError as error:
            if str(error) != before:
                log.error("web configuration not reloaded, the one before stays", error=str(error))  # noqa: TRY400 - an operator's slip needs no traceback
        else:
            log.info("web configuration reloaded")
