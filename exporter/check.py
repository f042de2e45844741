"""``resource-exporter check``: find what would stop ``serve`` from working, and say how to fix it. Nothing is changed."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

import psycopg
from rich.console import Console
from rich.markup import escape

from exporter import trial
from exporter.config import Config, Ledger, SecretError, conninfo
from exporter.config import Database as DatabaseConfig
from exporter.errors import first_line
from exporter.logs import printable
from exporter.rollups import RollupFileError, is_database, require_file, scratch_directory
from exporter.sources import examine
from exporter.sources.catalog import inspect
from exporter.sources.database import Database, UnreachableError
from exporter.sources.filters import require_filter
from exporter.sources.findings import Finding, LedgerError, quoted
from exporter.sources.mapping import Source
from exporter.sources.transaction import Transaction
from exporter.sources.verify import errors

REPORT_REMEDY = "remove keys of report, waste and limits until it works"


@dataclass(slots=True)
class Result:
    """One subject of the check, such as a ledger, and what was found about it."""

    subject: str
    findings: list[Finding] = field(default_factory=list)
    newest: datetime | None = None
    """Of a ledger: the time of its newest entry."""

    @property
    def failed(self) -> bool:
        """Whether any finding is more than a warning."""
        return any(not finding.warning for finding in self.findings)


async def run(config: Config, output: TextIO) -> int:
    """Print one line for each ledger, the report and the rollup file, followed by their findings.

    Returns the exit code: 0, or 1 when a finding is more than a warning.
    """
    ledgers: dict[str, Result] = {}
    results: list[Result] = []
    for name in config.databases:
        found = await _database(config, name)
        ledgers |= found if isinstance(found, dict) else {}
        results += found.values() if isinstance(found, dict) else [found]
    state = Result(f"state: {config.state.path}", _wrong_with(config.state.path))
    results += [await _trial(config, ledgers, state), state]
    console = Console(file=output, soft_wrap=True, highlight=False, emoji=False)
    for result in results:
        _print(console, result)
    return int(any(result.failed for result in results))


async def _database(config: Config, name: str) -> dict[str, Result] | Result:
    """Check the ledgers of one database. Returns a result by ledger, or one for the database when it cannot be reached."""
    ledgers = [ledger for ledger in config.ledgers.values() if ledger.database == name]
    try:
        conninfo(config.databases[name])
        opened = Database(config.databases[name], config.refresh.statement_timeout)
        async with opened as database, database.transaction() as transaction:
            return {ledger.name: await _ledger(transaction, ledger) for ledger in ledgers}
    except SecretError as error:
        return Result(f"database {name}", [_finding(error)])
    except (UnreachableError, TimeoutError, psycopg.OperationalError) as error:
        remedy = f"{_way_in(config.databases[name], error)}; it holds {_names(ledgers)}"
        return Result(f"database {name}", [Finding(f"cannot be reached: {first_line(error)}", remedy)])


def _way_in(database: DatabaseConfig, error: Exception) -> str:
    """How to fix a connection that failed. A server that answers FATAL is running, so it need not be started."""
    place = database.dsn_env or database.dsn_file or f"databases.{database.name}.dsn"
    return f"correct the connection string in {place}" if "FATAL" in str(error) else f"start it, or correct {place}"


def _names(ledgers: Iterable[Ledger]) -> str:
    return ", ".join(ledger.name for ledger in ledgers) or "no ledger"


async def _ledger(transaction: Transaction, ledger: Ledger) -> Result:
    result = Result(f"{ledger.name}: {'query' if ledger.query else quoted(ledger.table)} in database {ledger.database}")
    try:
        async with transaction.savepoint():
            table = await inspect(transaction, ledger)
            if wrong := list(errors(ledger, table)):
                result.findings = wrong
                return result
            source = Source(ledger, table)
            await require_filter(transaction, source)
            rows = await examine.rows(transaction, source)
            result.findings = await examine.warnings(transaction, source, rows.newest)
        result.newest = rows.newest
        result.subject += f", {rows.count:,} rows" if rows.count is not None else ", more rows than can be counted in time"
    except LedgerError as error:
        result.findings = [error.finding]
    except psycopg.Error as error:
        if transaction.broken:
            raise
        result.findings = [_unreadable(ledger.name, first_line(error))]
    return result


def _unreadable(ledger: str, reason: str) -> Finding:
    """A finding for a ledger whose table, columns and grants are right, but whose query fails."""
    if "statement timeout" in reason:
        return Finding(reason, "raise refresh.statement_timeout, or add an index on the column of occurred_at")
    return Finding(reason, f"correct ledgers.{ledger}, the view or query that it reads, or the grants of the role")


async def _trial(config: Config, ledgers: Mapping[str, Result], state: Result) -> Result:
    """Refresh the ledgers without errors and make a report. Failures are added to the results; returns that of the report."""
    newest = {name: result.newest for name, result in ledgers.items() if not result.failed}
    report = Result("report")
    # Beside the rollup file, because a sandboxed process may be able to write nowhere else.
    place = None if state.failed else config.state.path.parent
    try:
        with TemporaryDirectory(prefix=".check-", dir=place) as directory:
            tried = await trial.run(config, newest, Path(directory))
    except RollupFileError as error:
        state.findings.append(_finding(error))
        return report
    except OSError as error:
        remedy = "free disk space, or set state.path to another directory"
        state.findings.append(Finding(f"a file cannot be created: {first_line(error)}", remedy))
        return report
    for name, reason in tried.failures.items():
        ledgers[name].findings.append(_unreadable(name, reason))
    for name, reasons in tried.rejected.items():
        ledgers[name].findings.append(_rejected(name, reasons, newest[name]))
    if tried.report:
        report.findings.append(Finding(f"cannot be computed: {tried.report}", REPORT_REMEDY))
    for name, reason in tried.sections.items():
        report.findings.append(Finding(f"section {name} fails: {reason}", REPORT_REMEDY))
    return report


def _rejected(ledger: str, reasons: Mapping[str, int], newest: datetime | None) -> Finding:
    counts = ", ".join(f"{reason} {entries:,}" for reason, entries in sorted(reasons.items()))
    what = "rows of the newest hour are" if newest else "rows are"
    return Finding(f"{what} left out: {counts}", f"correct them, or leave them out by ledgers.{ledger}.filter", warning=True)


def _finding(error: Exception) -> Finding:
    """The finding of an error whose message ends in how to fix it, after a semicolon."""
    text, _, remedy = str(error).rpartition("; ")
    return Finding(text, remedy.removeprefix("fix: "))


def _wrong_with(path: Path) -> list[Finding]:
    """Why the rollup file cannot be at this path; empty when it can."""
    reading = scratch_directory(path)
    try:
        require_file(path)
    except RollupFileError as error:
        return [_finding(error)]
    if not os.access(path.parent, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return [Finding("the file is not writable", "set state.path to a file in a writable directory")]
    if reading.exists() and not reading.is_dir():
        remedy = "move it, or set state.path to another file"
        return [Finding(f"{reading} must be a directory and is not", remedy)]
    if path.exists() and not is_database(path):
        return [Finding("the file is not a rollup file and would be set aside", "choose another state.path", warning=True)]
    return []


def _print(console: Console, result: Result) -> None:
    state = "[red]error[/]" if result.failed else "[yellow]warning[/]" if result.findings else "[green]ok[/]"
    console.print(f"{state} {_plain(result.subject)}")
    for finding in result.findings:
        console.print(f"  {_plain(finding.text)}\n    fix: {_plain(finding.remedy)}")


def _plain(text: str) -> str:
    """The text without markup and control characters: names in a database may contain anything."""
    return escape(printable(text))
