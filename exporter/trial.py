"""A trial: what ``serve`` does to the ledgers, done once over their newest hour, with rollups that are thrown away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
from psycopg import sql

from exporter import __version__
from exporter.app import now, pipeline
from exporter.calendar import HOUR
from exporter.config import Config, Ledger
from exporter.exposition.bodies import Publisher
from exporter.report.reporter import Reporter
from exporter.sources.database import first_line
from exporter.sync.refresher import Refresher
from exporter.telemetry import Telemetry

REFRESHES = 2
"""The first one builds the rollups, the second one follows the ledgers with cursors and audit."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Why ledgers could not be read, by their names; why there is no report, if so, and why sections of it failed."""

    failures: Mapping[str, str]
    report: str | None
    sections: Mapping[str, str]


async def run(config: Config, newest: Mapping[str, datetime | None], directory: Path) -> Trial:
    """Refresh from the ledgers that are named in ``newest``, with the time of their newest entry, and make a report.

    Raises:
        RollupFileError, OSError: there can be no rollups in the directory.
    """
    ledgers = {name: _narrowed(config.ledgers[name], moment) for name, moment in newest.items()}
    held = {ledger.database for ledger in ledgers.values()}
    databases = {name: database for name, database in config.databases.items() if name in held}
    state = config.state.model_copy(update={"path": directory / "rollups.duckdb"})
    private = config.model_copy(update={"ledgers": ledgers, "databases": databases, "state": state})
    telemetry = Telemetry(__version__, "")
    async with pipeline(private, Publisher(telemetry), telemetry) as refresher:
        for _ in range(REFRESHES):
            for database_sync in refresher.database_syncs:
                await refresher.refresh(database_sync)
        failures = _failures(refresher)
        try:
            report = await refresher.worker.run(Reporter(refresher.rollups, private).make, {}, now())
        except duckdb.Error as error:
            return Trial(failures, first_line(error), {})
    return Trial(failures, None, report.errors)


def _failures(refresher: Refresher) -> dict[str, str]:
    return {
        name: database_sync.last_error(name) or "unknown"
        for database_sync in refresher.database_syncs
        for name, up in database_sync.up.items()
        if not up
    }


def _narrowed(ledger: Ledger, newest: datetime | None) -> Ledger:
    """The ledger without what happened an hour before its newest entry, and earlier; all of it, where it has no times."""
    if newest is None:
        return ledger
    column = sql.Identifier(ledger.columns["occurred_at"]).as_string()
    # On a line of its own, for the filter may end in a comment.
    narrowed = f"({ledger.filter or 'TRUE'}\n) AND {column} >= '{newest - HOUR}'"
    return ledger.model_copy(update={"filter": narrowed})
