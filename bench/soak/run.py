"""A soak test: faults while writers write and a scraper scrapes; then, without faults, a comparison with plain SQL."""

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo

from bench import ours
from bench.ledger import Shape, fill
from bench.progress import Tell
from bench.soak.compare import compare
from bench.soak.exporter import Exporter, exporting
from bench.soak.faults import FAULTS, Fault, Stage, deal
from bench.soak.network import network
from bench.soak.postgres import Postgres
from bench.soak.scraper import Scrapes, scraping
from bench.soak.writer import writing

DATABASE: Final = "soak"
SHAPE: Final = Shape(days=40, rate=1000)
PATIENCE: Final = 300.0
ROUNDS: Final = 3
"""Audit rounds to wait for: the one that is running, a complete one, and one after which its repairs are served."""
_BUCKETS: Final = """
SELECT 'costs', count(DISTINCT date_trunc('hour', created_at)) FROM cost_ledger
UNION ALL SELECT 'impacts', count(DISTINCT date_trunc('hour', created_at)) FROM impact_ledger
UNION ALL SELECT 'allocations', count(DISTINCT day) FROM quest_budget_allocations WHERE day < current_date - 29
"""
_AUDITED: Final = re.compile(r'^resource_exporter_audited_buckets_total\{ledger="(\w+)"\} (\S+)$', re.MULTILINE)
_UP: Final = re.compile(r'^resource_exporter_ledger_up\{ledger="\w+"\} 1\.0$', re.MULTILINE)


@dataclass(frozen=True)
class Plan:
    """The plan of a soak test: the duration of all faults in seconds, and the least and the greatest duration of one.

    The pause after each fault is up to half of that.
    """

    seconds: float
    seed: int
    shape: Shape = SHAPE
    faults: Sequence[Fault] = FAULTS
    lasting: tuple[float, float] = (1.0, 12.0)


@dataclass(frozen=True)
class Held:
    """Resources of the exporter: memory in MB, and the number of open files and connections."""

    memory_mb: float
    descriptors: int


@dataclass(frozen=True)
class Findings:
    """The results of a soak test."""

    survived: Mapping[str, int]
    writes: Mapping[str, int]
    scrapes: Scrapes
    compared: int
    differences: list[str]
    tracebacks: list[str]
    start: Held
    end: Held
    peak_mb: float

    @property
    def passed(self) -> bool:
        """Whether every sample was right at the end, every scrape succeeded, and no unexpected error was logged."""
        return not (self.differences or self.scrapes.errors or self.tracebacks)


def soak(server: Postgres, plan: Plan, directory: Path, tell: Tell) -> Findings:
    """Run a soak test on a server without the database ``soak``. The exporter's files stay in the directory.

    Raises:
        ProgramError: the exporter exited, or has not recovered some minutes after the last fault.
    """
    tell(f"loading {plan.shape.rows:,} calls of {plan.shape.days} days")
    with _stage(server, plan, directory) as stage:
        start = Held(*stage.exporter.held())
        with scraping(stage.exporter) as scrapes:
            with writing(stage.conninfo, plan.seed) as writes:
                survived = _storm(stage, plan, lambda what: tell(f"{what} ({scrapes.requests:,} scrapes so far)"))
            tell("no more faults; waiting until the ledgers are audited")
            _calm(stage)
        tell("comparing every sample with plain SQL")
        compared, differences = compare(stage.exporter, stage.conninfo)
        return Findings(
            survived=dict(survived),
            writes=dict(writes),
            scrapes=scrapes,
            compared=compared,
            differences=differences,
            tracebacks=stage.exporter.tracebacks(),
            start=start,
            end=Held(*stage.exporter.held()),
            peak_mb=stage.exporter.peak_mb,
        )


@contextmanager
def _stage(server: Postgres, plan: Plan, directory: Path) -> Iterator[Stage]:
    """Create the database, the proxy and the exporter, and wait until the exporter has read the ledgers."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        connection.execute(f"CREATE ROLE {ours.ROLE} LOGIN")
    conninfo = server.conninfo(DATABASE)
    fill(conninfo, plan.shape, time.time())
    with (
        network(make_conninfo(conninfo, user=ours.ROLE)) as way,
        exporting(directory / f"{DATABASE}.yml", way.conninfo) as exporter,
    ):
        ours.refreshed(exporter.program)
        yield Stage(server, conninfo, way, exporter)


def _storm(stage: Stage, plan: Plan, tell: Tell) -> Counter[str]:
    """Cause faults until the time is over, each kind at least once. Returns the number of faults of each kind."""
    random = Random(plan.seed)  # noqa: S311 - no secret
    deadline = time.monotonic() + plan.seconds
    survived: Counter[str] = Counter()
    for faults in deal(random, plan.faults):
        if time.monotonic() > deadline and len(survived) == len(plan.faults):
            return survived
        names = [fault.name for fault in faults]
        tell(" and ".join(names))
        with ExitStack() as happening:
            for fault in faults:
                happening.enter_context(fault.happens(stage, random))
            time.sleep(random.uniform(*plan.lasting))
        time.sleep(random.uniform(*plan.lasting) / 2)
        survived.update(names)
    raise AssertionError("faults are dealt without end")


def _calm(stage: Stage) -> None:
    """Wait until every ledger is up and completely audited."""
    with psycopg.connect(stage.conninfo) as connection:
        buckets: dict[str, int] = dict(connection.execute(_BUCKETS).fetchall())
    before = _audited(stage.exporter)

    def well() -> bool:
        page, audited = stage.exporter.program.page() or "", _audited(stage.exporter)
        return len(_UP.findall(page)) == len(ours.LEDGERS) and all(
            audited.get(ledger, 0) - before.get(ledger, 0) >= ROUNDS * count for ledger, count in buckets.items()
        )

    stage.exporter.program.until(well, PATIENCE, pause=0.5)


def _audited(exporter: Exporter) -> dict[str, float]:
    return {ledger: float(count) for ledger, count in _AUDITED.findall(exporter.program.page() or "")}
