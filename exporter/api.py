"""The Python interface: the numbers of one refresh, without a server. docs/python.md describes it."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter import logs
from exporter.app import now
from exporter.config import Config, from_settings, load
from exporter.once import apart, failures
from exporter.rollups import RollupFileError, is_database
from exporter.snapshot import Snapshot
from exporter.sync.publication import Clock
from exporter.sync.refresher import Refresher

UNUSABLE = "the rollups cannot be used"


class ReadError(Exception):
    """Not all numbers could be computed. The message is one line without secrets.

    ``ledgers`` has the reason for each ledger that could not be read, and ``sections`` for each section of the report that
    could not be computed, by their names. ``snapshot`` has all other numbers; it is None if the rollup file cannot be used.
    """

    def __init__(
        self, message: str, ledgers: Mapping[str, str], sections: Mapping[str, str], snapshot: Snapshot | None = None
    ) -> None:
        super().__init__(message)
        self.ledgers = ledgers
        self.sections = sections
        self.snapshot = snapshot


def read(config: str | os.PathLike[str] | Mapping[str, object], *, state: str | os.PathLike[str] | None = None) -> Snapshot:
    """Read all ledgers once and return the numbers.

    ``config`` is the path of a configuration file, or its content as a dict; relative paths in a dict start from the current
    directory. ``state`` is the path of a rollup file that is kept: the next call with it reads only what changed. Without
    it, the ledgers are read whole into a temporary file. ``state.path`` of the configuration is not used, because a running
    exporter has that file to itself.

    Raises:
        ConfigError: the configuration is wrong; the message has one line for each problem.
        ReadError: a ledger cannot be read, a section cannot be computed, or the rollup file cannot be used.
        OSError: a temporary file cannot be written.
        RuntimeError: an event loop is running in this thread; await :func:`read_async` there.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(read_async(config, state=state))
    raise RuntimeError("exporter.read was called while an event loop is running; fix: await exporter.read_async(…)")


async def read_async(
    config: str | os.PathLike[str] | Mapping[str, object], *, state: str | os.PathLike[str] | None = None
) -> Snapshot:
    """The same as :func:`read` for a program with an event loop. The loop goes on while the ledgers are read."""
    logs.configure_library()
    settings = from_settings(config) if isinstance(config, Mapping) else load(Path(config))
    with TemporaryDirectory(prefix="resource-exporter-") as directory:
        rollups = Path(directory, "rollups.duckdb") if state is None else _absolute(state)
        if rollups.is_file() and not is_database(rollups):
            raise ReadError(f"{rollups} is not a rollup file; fix: set state to a new file, or to one that it made", {}, {})
        try:
            return await snapshot(settings, rollups)
        except RollupFileError as error:
            raise ReadError(_line(str(error)), {}, {}) from error


async def snapshot(config: Config, rollups: Path, clock: Clock = now) -> Snapshot:
    """The numbers after one refresh of every database into the file ``rollups``.

    Raises:
        ReadError: as :func:`read`.
        RollupFileError, OSError: the rollup file cannot be used.
    """
    async with apart(config, rollups, clock) as refresher:
        for database_sync in refresher.database_syncs:
            await database_sync.sync(clock())
        report = await refresher.publish()
        sections = {name: _line(error) for name, error in report.errors.items()} if report else {}
        return _complete(refresher, sections)


def _complete(refresher: Refresher, sections: Mapping[str, str]) -> Snapshot:
    """The published snapshot; raises ReadError when something is missing in it."""
    ledgers = {name: _line(reason) for name, reason in failures(refresher).items()}
    found = refresher.publisher.snapshot
    wrong = [f"ledger {name} cannot be read: {reason}" for name, reason in ledgers.items()]
    wrong += [f"section {name} cannot be computed: {reason}" for name, reason in sections.items()]
    if found is None:
        wrong.append(f"{UNUSABLE}: {_line(refresher.last_error or 'unknown')}")
    if found is None or wrong:
        raise ReadError("; ".join(wrong), ledgers, sections, found)
    return found


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(path).absolute()


def _line(text: str) -> str:
    return logs.printable(logs.redact(text))
