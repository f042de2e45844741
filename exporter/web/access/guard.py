"""The current web configuration, which is read again when a file changes. An invalid change is not used."""

from pathlib import Path

import structlog

from exporter.config import ConfigError
from exporter.web.access.loader import Access, load

log = structlog.get_logger()


class Guard:
    """Holds the ``access`` settings for new connections and requests."""

    def __init__(self, path: Path | None = None) -> None:
        """Read the file; without one, everyone has access. Raises ConfigError."""
        self._path = path
        self._wrong: str | None = None
        self.access = Access()
        self.reload()

    def reload(self) -> None:
        """Read the file again.

        Raises:
            ConfigError: it cannot be used; ``access`` is unchanged.
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
        """Read the files again if one has changed. The same error is logged only once."""
        if not self.access.outdated:
            return
        before = self._wrong
        try:
            self.reload()
        except ConfigError as error:
            if str(error) != before:
                log.error("web configuration not reloaded, the previous one stays in use", error=str(error))  # noqa: TRY400 - a mistake in a file needs no traceback
        else:
            log.info("web configuration reloaded")
