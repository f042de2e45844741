"""A trial run of ``serve`` for ``check``: refresh the newest hour of each ledger into a temporary rollup file, then report."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
from psycopg import sql

from exporter.app import now
from exporter.calendar import HOUR
from exporter.config import Config, Ledger
from exporter.errors import first_line
from exporter.once import apart, failures
from exporter.report.reporter import Reporter
from exporter.sync.refresher import Refresher

REFRESHES = 2
"""The first refresh builds the rollups; the second one also runs the watermark and the audit."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The errors of a trial run.

    ``rejected`` says how many rows are left out, by ledger and reason. ``failures`` has the error of each ledger that could not
    be read, by its name. ``report`` is the error that prevented the report, or None. ``sections`` has the error of each failed
    section, by its name.
    """

    rejected: Mapping[str, Mapping[str, int]]
    failures: Mapping[str, str]
    report: str | None
    sections: Mapping[str, str]


async def run(config: Config, newest: Mapping[str, datetime | None], directory: Path) -> Trial:
    """Refresh the ledgers named in ``newest`` and make a report.

    ``newest`` gives the time of the newest entry of each ledger; only the hour before it is read. A ledger with None is read
    whole. The temporary rollup file is created in ``directory``.

    Raises:
        RollupFileError, OSError: the rollup file cannot be created.
    """
    ledgers = {name: _narrowed(config.ledgers[name], moment) for name, moment in newest.items()}
    held = {ledger.database for ledger in ledgers.values()}
    databases = {name: database for name, database in config.databases.items() if name in held}
    narrowed = config.model_copy(update={"ledgers": ledgers, "databases": databases})
    async with apart(narrowed, directory / "rollups.duckdb") as refresher:
        for _ in range(REFRESHES):
            for database_sync in refresher.database_syncs:
                await refresher.refresh(database_sync)
        failed, rejected = failures(refresher), _rejected(refresher)
        try:
            report = await refresher.worker.run(Reporter(refresher.rollups, refresher.config).make, {}, now())
        except duckdb.Error as error:
            return Trial(rejected, failed, first_line(error), {})
    return Trial(rejected, failed, None, report.errors)


def _rejected(refresher: Refresher) -> Mapping[str, Mapping[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for ledger, reason, entries in refresher.rollups.rejected():
        found[ledger][reason] = entries
    return found


def _narrowed(ledger: Ledger, newest: datetime | None) -> Ledger:
    """The ledger restricted to the hour before its newest entry; the whole ledger where ``newest`` is None."""
    if newest is None:
        return ledger
    column = sql.Identifier(ledger.columns[ledger.timed_by]).as_string()
    # The parenthesis closes on a new line because the filter may end in a comment.
    narrowed = f"({ledger.filter or 'TRUE'}\n) AND {column} >= '{newest - HOUR}'"
    return ledger.model_copy(update={"filter": narrowed})
