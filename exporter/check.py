"""``resource-exporter check``: would it work with these ledgers? Looks, changes nothing, and says how to mend what it finds."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import psycopg
from rich.console import Console
from rich.markup import escape

from exporter.calendar import HOUR
from exporter.config import Config, Ledger
from exporter.database import Database, Transaction, UnreachableError, first_line
from exporter.ledgers import statements
from exporter.ledgers.catalog import inspect
from exporter.ledgers.findings import Finding, LedgerError, quoted
from exporter.ledgers.mapping import Source
from exporter.ledgers.verify import errors, warnings
from exporter.logs import printable
from exporter.rollups import RollupFileError, is_database, require_file


@dataclass(frozen=True, slots=True)
class Result:
    """What was looked at, what was found, and whether it can be used all the same."""

    subject: str
    findings: list[Finding]

    @property
    def failed(self) -> bool:
        """Whether anything is worse than a warning."""
        return any(not finding.warning for finding in self.findings)


async def run(config: Config, output: TextIO) -> int:
    """Print a line for every ledger and everything found; returns the exit code, 1 when a ledger cannot be read."""
    console = Console(file=output, soft_wrap=True, highlight=False, emoji=False)
    results = [result for name in config.databases for result in await _database(config, name)]
    results.append(_state(config.state_path))
    for result in results:
        _print(console, result)
    return int(any(result.failed for result in results))


async def _database(config: Config, name: str) -> list[Result]:
    ledgers = [ledger for ledger in config.ledgers.values() if ledger.database == name]
    try:
        opened = Database(config.databases[name], config.refresh.statement_timeout)
        async with opened as database, database.transaction() as transaction:
            return [await _ledger(transaction, ledger) for ledger in ledgers]
    except (UnreachableError, TimeoutError, psycopg.OperationalError) as error:
        remedy = f"start it, or mend databases.{name}; it holds {', '.join(ledger.name for ledger in ledgers) or 'no ledger'}"
        return [Result(f"database {name}", [Finding(f"cannot be reached: {first_line(error)}", remedy)])]


def _state(path: Path) -> Result:
    return Result(f"state: {path}", [finding for finding in [_wrong_with(path)] if finding])


def _wrong_with(path: Path) -> Finding | None:
    """What would keep the rollups from being at this path, if anything."""
    try:
        require_file(path)
    except RollupFileError as error:
        text, _, remedy = str(error).rpartition("; ")
        return Finding(text, remedy)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return Finding("the file cannot be written", "set state.path to a file in a directory that can be")
    if path.exists() and not is_database(path):
        return Finding("the file holds something else, and would be set aside", "choose another state.path", warning=True)
    return None


async def _ledger(transaction: Transaction, ledger: Ledger) -> Result:
    subject = f"{ledger.name}: {quoted(ledger.table)} in database {ledger.database}"
    try:
        async with transaction.savepoint():
            table = await inspect(transaction, ledger)
            if wrong := list(errors(ledger, table)):
                return Result(subject, wrong)
            source = Source(ledger, table)
            rows = (await transaction.rows(statements.count(source)))[0][0]
            now = datetime.now(UTC)
            await transaction.rows(statements.trial(source), start=now - HOUR, end=now, midnight=now - HOUR)
            return Result(f"{subject}, {rows:,} rows", list(warnings(ledger, table)))
    except LedgerError as error:
        return Result(subject, [error.finding])
    except psycopg.Error as error:
        if transaction.broken:
            raise
        return Result(subject, [Finding(first_line(error), f"mend ledgers.{ledger.name}, or the rights of the role")])


def _print(console: Console, result: Result) -> None:
    state = "[red]error[/]" if result.failed else "[yellow]warning[/]" if result.findings else "[green]ok[/]"
    console.print(f"{state} {_plain(result.subject)}")
    for finding in result.findings:
        console.print(f"  {_plain(finding.text)}\n    mend it: {_plain(finding.remedy)}")


def _plain(text: str) -> str:
    """A text that may hold names from a database, which may hold anything."""
    return escape(printable(text))
