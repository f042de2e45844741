"""``resource-exporter check``: would it work with these ledgers? Looks, changes nothing, and says how to fix what it finds."""

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
from exporter.logs import printable
from exporter.rollups import RollupFileError, is_database, require_file, scratch_directory
from exporter.sources import examine
from exporter.sources.catalog import inspect
from exporter.sources.database import Database, Transaction, UnreachableError, first_line
from exporter.sources.filters import require_filter
from exporter.sources.findings import Finding, LedgerError, quoted
from exporter.sources.mapping import Source
from exporter.sources.verify import errors


@dataclass(slots=True)
class Result:
    """What was looked at, what was found, and whether it can be used all the same."""

    subject: str
    findings: list[Finding] = field(default_factory=list)
    newest: datetime | None = None
    """Of a ledger: when its newest entry occurred."""

    @property
    def failed(self) -> bool:
        """Whether anything is worse than a warning."""
        return any(not finding.warning for finding in self.findings)


async def run(config: Config, output: TextIO) -> int:
    """Print a line for every ledger and everything found; returns the exit code, 1 when ``serve`` could not do its work."""
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
    """What was found of each ledger of a database, or of the database itself."""
    ledgers = [ledger for ledger in config.ledgers.values() if ledger.database == name]
    try:
        conninfo(config.databases[name])
        opened = Database(config.databases[name], config.refresh.statement_timeout)
        async with opened as database, database.transaction() as transaction:
            return {ledger.name: await _ledger(transaction, ledger) for ledger in ledgers}
    except SecretError as error:
        text, _, remedy = str(error).rpartition("; ")
        return Result(f"database {name}", [Finding(text, remedy)])
    except (UnreachableError, TimeoutError, psycopg.OperationalError) as error:
        remedy = f"{_way_in(config.databases[name], error)}; it holds {_names(ledgers)}"
        return Result(f"database {name}", [Finding(f"cannot be reached: {first_line(error)}", remedy)])


def _way_in(database: DatabaseConfig, error: Exception) -> str:
    """A server that says FATAL runs, and refuses."""
    place = database.dsn_env or database.dsn_file or f"databases.{database.name}.dsn"
    return f"correct the connection string in {place}" if "FATAL" in str(error) else f"start it, or correct {place}"


def _names(ledgers: Iterable[Ledger]) -> str:
    return ", ".join(ledger.name for ledger in ledgers) or "no ledger"


async def _ledger(transaction: Transaction, ledger: Ledger) -> Result:
    result = Result(f"{ledger.name}: {quoted(ledger.table)} in database {ledger.database}")
    try:
        async with transaction.savepoint():
            table = await inspect(transaction, ledger)
            if wrong := list(errors(ledger, table)):
                result.findings = wrong
                return result
            source = Source(ledger, table)
            await require_filter(transaction, source)
            rows = await examine.rows(transaction, source)
            result.findings = await examine.warnings(transaction, source)
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
    """Of a ledger that has all it needs, and yet cannot be read."""
    if "statement timeout" in reason:
        return Finding(reason, "raise refresh.statement_timeout, or add an index on the column of the time")
    return Finding(reason, f"correct ledgers.{ledger}, the view that it names, or the rights of the role")


async def _trial(config: Config, ledgers: Mapping[str, Result], state: Result) -> Result:
    """Refresh from the ledgers that look well, and make a report; what fails is added to the results."""
    newest = {name: result.newest for name, result in ledgers.items() if not result.failed}
    report = Result("report")
    # Beside the rollup file, for a process that is locked in may have no other place to write to.
    place = None if state.failed else config.state.path.parent
    try:
        with TemporaryDirectory(prefix=".check-", dir=place) as directory:
            tried = await trial.run(config, newest, Path(directory))
    except (OSError, RollupFileError) as error:
        state.findings.append(Finding(f"no file can be made: {first_line(error)}", "make room, or set state.path elsewhere"))
        return report
    for name, reason in tried.failures.items():
        ledgers[name].findings.append(_unreadable(name, reason))
    if tried.report:
        report.findings.append(Finding(f"cannot be made: {tried.report}", "take keys of report, waste and limits away"))
    for name, reason in tried.sections.items():
        report.findings.append(Finding(f"section {name} fails: {reason}", "take keys of report, waste and limits away"))
    return report


def _wrong_with(path: Path) -> list[Finding]:
    """What would keep the rollups from being at this path, if anything."""
    reading = scratch_directory(path)
    try:
        require_file(path)
    except RollupFileError as error:
        text, _, remedy = str(error).rpartition("; ")
        return [Finding(text, remedy)]
    if not os.access(path.parent, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return [Finding("the file cannot be written", "set state.path to a file in a directory that can be")]
    if reading.exists() and not reading.is_dir():
        return [Finding(f"{reading} is no directory, and is in the way of one", "move it, or set state.path elsewhere")]
    if path.exists() and not is_database(path):
        return [Finding("the file holds something else, and would be set aside", "choose another state.path", warning=True)]
    return []


def _print(console: Console, result: Result) -> None:
    state = "[red]error[/]" if result.failed else "[yellow]warning[/]" if result.findings else "[green]ok[/]"
    console.print(f"{state} {_plain(result.subject)}")
    for finding in result.findings:
        console.print(f"  {_plain(finding.text)}\n    fix: {_plain(finding.remedy)}")


def _plain(text: str) -> str:
    """A text that may hold names from a database, which may hold anything."""
    return escape(printable(text))
