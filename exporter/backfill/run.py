"""Read the ledgers and write an OpenMetrics file with timestamps."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from prometheus_client.utils import floatToGoString
from rich.console import Console
from rich.progress import Progress as ProgressBar

from exporter.backfill.budgets import BudgetHistory
from exporter.backfill.history import History
from exporter.backfill.series import Sample
from exporter.backfill.span import Span, Target
from exporter.calendar import ONE_DAY
from exporter.config import Config
from exporter.exposition.render import head, series
from exporter.metrics import SHARD
from exporter.once import apart, failures
from exporter.report import labelling
from exporter.report.context import ReportContext
from exporter.sections import available
from exporter.sources.postgres_reader import PostgresReader
from exporter.sources.reader import Span as Instants
from exporter.sources.statements import BEGINNING
from exporter.sync.batches import BatchReader
from exporter.sync.ledger import LedgerSync
from exporter.sync.refresher import Refresher


class BackfillError(Exception):
    """The history cannot be written. The message is one line for the user."""


async def run(config: Config, span: Span, target: Target, output: Path) -> None:
    """Write the history of the span to ``output``, with a progress bar on a terminal.

    Raises:
        BackfillError: no ledger of costs is configured, or a ledger cannot be read.
        OSError: the file cannot be written.
    """
    if "costs" not in config.ledgers:
        raise BackfillError("backfill needs a ledger of costs; fix: add ledgers.costs to the configuration")
    _require_history(output)
    with TemporaryDirectory(dir=output.parent, prefix=".backfill-") as directory, _progress() as bar:
        async with apart(config, Path(directory) / "rollups.duckdb") as refresher:
            await _build(refresher, bar)
            history = await refresher.worker.run(_begin, refresher, span)
            await _load(_costs(refresher), history, bar)
            constant = {SHARD: config.shard} if config.shard else {}
            labels = constant | {"job": target.job, "instance": target.instance}
            await refresher.worker.run(_write, history, labels, output, bar)


def _require_history(output: Path) -> None:
    """Refuse to replace a file that no earlier run wrote."""
    if output.is_dir():
        raise BackfillError(f"{output} is a directory; fix: set --output to the path of a file")
    if not output.parent.is_dir():
        raise BackfillError(f"{output.parent} is not a directory; fix: make it, or set --output to a file elsewhere")
    if output.is_file() and output.stat().st_size:
        with output.open("rb") as file:
            if not file.readline(4096).startswith(b"# "):
                raise BackfillError(f"{output} is not a history; fix: set --output to a new file")


async def _build(refresher: Refresher, bar: ProgressBar) -> None:
    for database_sync in bar.track(refresher.database_syncs, description="building the rollups"):
        await refresher.refresh(database_sync)
        for ledger, reason in failures(refresher).items():
            raise BackfillError(f"ledger {ledger} cannot be read: {reason}")


def _begin(refresher: Refresher, span: Span) -> History:
    context = ReportContext(refresher.rollups.connection, refresher.config, span.last)
    metrics = available(context.config.ledgers)
    labels = labelling.prepare(context, metrics)
    budgets = BudgetHistory(context.connection, span, labels)
    history = History(context.connection, span, metrics, context.token_types, context.maps("costs", "day"), budgets)
    history.begin()
    return history


def _costs(refresher: Refresher) -> LedgerSync:
    ledgers = (ledger_sync for database_sync in refresher.database_syncs for ledger_sync in database_sync.ledgers)
    return next(ledger_sync for ledger_sync in ledgers if ledger_sync.name == "costs")


async def _load(costs: LedgerSync, history: History, bar: ProgressBar) -> None:
    """Read the costs day by day and sum them up in buckets of one step."""
    span, calendar = history.span, history.span.calendar
    batches = BatchReader(costs.name, costs.context.directory, costs.context.config.refresh.statement_timeout)
    task = bar.add_task("reading the costs", total=None)
    start = BEGINNING
    while start < span.last:
        async with costs.context.database.transaction() as transaction:
            reader = PostgresReader(transaction, await costs.source(transaction), calendar)
            first = await reader.first_entry(Instants(start, span.last))
            if first is None:
                break
            day = calendar.day_of(first)
            start, end = max(calendar.start(day), BEGINNING), min(calendar.end(day), span.last)
            high = (await reader.position()).newest_id
            async for batch in batches.all(reader, Instants(start, end), high):
                await costs.context.worker.run(history.load, batch.files)
                costs.context.discard(batch.files)
        bar.update(task, total=(span.last - start) // ONE_DAY + 1 + bar.tasks[task].completed, advance=1)
        start = end


def _write(history: History, labels: Mapping[str, str], output: Path, bar: ProgressBar) -> None:
    with output.open("w", encoding="utf-8", errors="replace") as file:
        for metric, found in history.families():
            file.write(head(metric))
            imported = replace(metric, labels=(*metric.labels, *labels))
            for values, samples in bar.track(found, description=f"writing {metric.name}", total=None):
                _write_series(file, series(imported, (*values, *labels.values())), samples, history.span)
        file.write("# EOF\n")


def _write_series(file: TextIO, name: str, samples: Iterator[Sample], span: Span) -> None:
    first, step = int(span.first.timestamp()), int(span.step.total_seconds())
    file.writelines(f"{name} {floatToGoString(value)} {first + number * step}\n" for number, value in samples)  # type: ignore[no-untyped-call]


@contextmanager
def _progress() -> Iterator[ProgressBar]:
    console = Console(stderr=True)
    with ProgressBar(console=console, transient=True, disable=not console.is_terminal) as bar:
        yield bar
