"""The open rollup file: its connection, its transactions, and how far each ledger has been followed."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from exporter.errors import first_line
from exporter.rollups import shrinking
from exporter.rollups.file import RollupFileError, is_damage, open_file, set_aside

CHANGES_PER_CONNECTION = 500
"""Each leaves some 100 kB behind."""


class Session(ABC):
    """Opens the file, and opens it again when DuckDB has given it up."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Raises:
            RollupFileError: it cannot be used, nor another one be made in its place.
        """
        self._path = path
        self._suspect: Exception | None = None
        shrinking.discard(path)
        self._open()

    @abstractmethod
    def _define(self) -> None:
        """Make what goes with the connection: macros, views and temporary tables."""

    def close(self) -> None:
        """Write everything into the file itself and close it."""
        self._connection.close()

    def mark_suspect(self, error: Exception) -> None:
        """Note an error, for it may be one after which nothing can be done with the file before :meth:`reopen_if_needed`."""
        if isinstance(error, duckdb.FatalException) or is_damage(error):
            self._suspect = error

    def reopen_if_needed(self) -> bool:
        """Open the file again if DuckDB has given it up, as it does when a checkpoint fails; set it aside if it is damaged.

        Also after a first build, and after many changes: what they leave in DuckDB's memory goes only with the connection.
        Returns whether there is a new connection. Raises:
            RollupFileError: it cannot be opened now; the next call tries again.
        """
        if self._suspect is None and self._changes < CHANGES_PER_CONNECTION:
            return False
        self.close()
        if self._suspect and is_damage(self._suspect) and self._path.is_file():
            set_aside(self._path, "it is damaged")
        self._open()
        self._suspect = None
        return True

    def shrink(self) -> None:
        """Copy the file if much of it is free; needs as much disk as the copy, until it is in the place of the file.

        Raises:
            duckdb.Error, OSError: it cannot be copied; it is open again, as it was.
        """
        if shrinking.worthwhile(self._connection):
            self._changes = CHANGES_PER_CONNECTION  # so that it is opened again should that fail now
            self.close()
            try:
                shrinking.shrink(self._path)
            finally:
                self._open()

    @property
    def connection(self) -> DuckDBPyConnection:
        """For reading reports; its temporary tables are the reader's own."""
        return self._connection

    def _open(self) -> None:
        self._connection = open_file(self._path)
        self._states = dict[str, str]()
        try:
            self._define()
        except duckdb.Error as error:
            self.close()
            if not is_damage(error):
                remedy = "free disk space, or set state.path to another directory"
                raise RollupFileError(f"{self._path} cannot be written: {first_line(error)}; fix: {remedy}") from error
            set_aside(self._path, "it is damaged")
            self._open()
        self._changes = 0

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._states.clear()
            self._connection.execute("ROLLBACK")
            raise
        try:
            self._connection.execute("COMMIT")
        except duckdb.Error:  # which has ended the transaction
            self._states.clear()
            raise

    def _expect(self, ledger: str, *, built: bool | None = None) -> None:
        """Raise RollupFileError if the file was replaced since the work began: the new file has no state of the ledger."""
        state = self._state(f"progress.{ledger}")
        if state is None or (built is not None and bool(state) is not built):
            raise RollupFileError(f"{self._path} was set aside meanwhile; the rollups of {ledger} are built again")

    def _state(self, name: str) -> str | None:
        if name not in self._states:
            row = self._connection.execute("SELECT value FROM state WHERE name = ?", [name]).fetchone()
            if row is None:
                return None
            self._states[name] = row[0]
        return self._states[name]

    def _put(self, name: str, value: str) -> None:
        self._put_all({name: value})

    def _put_all(self, values: Mapping[str, str]) -> None:
        self._connection.execute("DELETE FROM state WHERE list_contains(?, name)", [list(values)])
        rows = [list(values), list(values.values())]
        self._connection.execute("INSERT INTO state SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])", rows)
        self._states |= values
