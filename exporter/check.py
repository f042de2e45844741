"""``resource-exporter check``: would it work with these ledgers? Looks, changes nothing, and says how to mend what it finds."""

from typing import TextIO

import psycopg
from rich.console import Console
from rich.markup import escape

from exporter.config import Config, Ledger
from exporter.database import Database, Transaction, Unreachable, first_line
from exporter.ledgers import statements
from exporter.ledgers.catalog import MissingTable, inspect
from exporter.ledgers.mapping import Source
from exporter.ledgers.verify import Finding, errors, warnings

Result = tuple[Ledger, list[Finding], int | None]
"""A ledger, what was found, and how many rows it has where it can be read."""


async def run(config: Config, output: TextIO) -> int:
    """Print a line for every ledger and everything found; returns the exit code, 1 when a ledger cannot be read."""
    console = Console(file=output, soft_wrap=True, highlight=False)
    failed = False
    for database in config.databases.values():
        async with Database(database, config.refresh.statement_timeout) as opened:
            ledgers = [ledger for ledger in config.ledgers.values() if ledger.database == database.name]
            for ledger, findings, rows in await _results(opened, ledgers):
                _print(console, ledger, findings, rows)
                failed = failed or any(not finding.warning for finding in findings)
    return int(failed)


async def _results(database: Database, ledgers: list[Ledger]) -> list[Result]:
    try:
        async with database.transaction() as transaction:
            return [await _look(transaction, ledger) for ledger in ledgers]
    except (Unreachable, TimeoutError, psycopg.OperationalError) as error:
        finding = Finding(
            f"database {database.name} cannot be reached: {first_line(error)}", "is it running, and the DSN right?"
        )
        return [(ledger, [finding], None) for ledger in ledgers]


async def _look(transaction: Transaction, ledger: Ledger) -> Result:
    try:
        async with transaction.savepoint():
            table = await inspect(transaction, ledger)
            if wrong := list(errors(ledger, table)):
                return ledger, wrong, None
            rows = (await transaction.rows(statements.count(Source(ledger, table))))[0][0]
            return ledger, list(warnings(ledger, table)), rows
    except MissingTable as error:
        return ledger, [Finding(*str(error).split("; ", 1))], None
    except psycopg.Error as error:
        if transaction.broken:
            raise
        return ledger, [Finding(first_line(error), f"mend ledgers.{ledger.name} or the role's rights")], None


def _print(console: Console, ledger: Ledger, findings: list[Finding], rows: int | None) -> None:
    state = "[red]error[/]" if rows is None else "[yellow]warning[/]" if findings else "[green]ok[/]"
    count = "" if rows is None else f", {rows:,} rows"
    console.print(f"{state} {ledger.name}: {escape(ledger.database)} {escape('.'.join(ledger.table))}{count}")
    for finding in findings:
        console.print(f"  {escape(finding.text)}\n    {escape(finding.remedy)}")
