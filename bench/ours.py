"""Resource Exporter as a process: what its refreshes take, told by itself and by PostgreSQL."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.processes import Program, ProgramError, free_port, started
from bench.server import Server
from bench.writers import Written

ROLE: Final = "resource_exporter"
STAGES: Final = ("read", "apply", "sections", "render", "total")
LEDGERS: Final = ("allocations", "costs", "impacts", "quests")
PATIENCE: Final = 1800.0
SELDOM: Final = 15
"""The default interval, in seconds: a scrape is measured beside refreshes as they are by default."""
_DURATION: Final = re.compile(r'^resource_exporter_refresh_duration_seconds_sum\{stage="(\w+)"\} (\S+)$', re.MULTILINE)
_DONE: Final = re.compile(r'^resource_exporter_refreshes_total\{outcome="(\w+)"\} (\S+)$', re.MULTILINE)
_FETCHED: Final = re.compile(r'^resource_exporter_ledger_rows_read_total\{ledger="(?:costs|impacts)"\} (\S+)$', re.MULTILINE)
_SERIES: Final = re.compile(r'^resource_exporter_series\{section="\w+"\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class State:
    """What was done so far: refreshes, seconds by stage, ms of database time, rows fetched, and rows that were changed."""

    done: int
    seconds: dict[str, float]
    database_ms: float
    fetched: float
    changed: int


Run = Sequence[State]
"""The states after refreshes that follow one another."""


@contextmanager
def serving(server: Server, database: str, directory: Path, interval: int, **keys: Any) -> Iterator[Program]:
    """The exporter over a database, its files in the directory; further keys go into the configuration."""
    config = directory / f"{database}.yml"
    configure(config, server.conninfo(database, ROLE), refresh={"interval": f"{interval}s"}, **keys)
    with exporting(config, free_port(), config.with_suffix(".log")) as program:
        yield program


def configure(config: Path, conninfo: str, **keys: Any) -> None:
    """Write a configuration: all ledgers from one database, the rollups beside it, and further keys as they are."""
    document = {
        "databases": {"main": {"dsn": conninfo}},
        "ledgers": {name: {"database": "main"} for name in LEDGERS},
        "state": {"path": config.with_suffix(".duckdb").name},
    }
    config.write_text(json.dumps(document | keys), encoding="utf-8")


@contextmanager
def exporting(config: Path, port: int, log: Path) -> Iterator[Program]:
    """The exporter with a configuration, on a port of this machine."""
    flags = [f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.format=json"]
    command = [sys.executable, "-m", "exporter", "serve", *flags]
    with started(command, f"http://127.0.0.1:{port}/metrics", log) as program:
        yield program


def refreshed(program: Program) -> float:
    """Wait for the first refresh, which builds the rollups if there are none; returns the seconds since the start."""
    return program.until(lambda: _done(program, program.page() or "") > 0, PATIENCE)


def compacted(program: Program) -> float:
    """Wait until past months are compacted, where there are any; returns the seconds since the start."""
    return program.until(lambda: "past months compacted" in program.log.read_text(), PATIENCE)


def published(program: Program) -> float:
    """Wait for the first snapshot, which a rollup file gives without a refresh; returns the seconds since the start."""
    return program.until(lambda: "\nresource_quest_spend_usd{" in (program.page() or ""), PATIENCE)


def follow(program: Program, server: Server, count: int, written: Written) -> Run:
    """So many refreshes beside a writer: the state after each of them, and after the one before.

    Raises:
        ProgramError: a refresh failed, wholly or in part.
    """
    states = [_next(program, server, _done(program, program.page() or ""), written)]
    for _ in range(count):
        states.append(_next(program, server, states[-1].done, written))
    return states


def figures(*runs: Run) -> dict[str, float]:
    """The medians over the refreshes of some runs: ``database_ms``, and ``read_ms`` and so on for each stage.

    ``rows_per_change`` is how many rows were fetched for each that the writer changed.
    """
    steps = [step for run in runs for step in pairwise(run)]
    found = {"database_ms": median((new.database_ms - old.database_ms) / (new.done - old.done) for old, new in steps)}
    for stage in STAGES:
        found[f"{stage}_ms"] = median(
            1000 * (new.seconds[stage] - old.seconds[stage]) / (new.done - old.done) for old, new in steps
        )
    fetched, changed = (sum(getattr(new, name) - getattr(old, name) for old, new in steps) for name in ("fetched", "changed"))
    return found | ({"rows_per_change": fetched / changed} if fetched and changed else {})


def series(program: Program) -> int:
    """The data series on the page."""
    return round(sum(map(float, _SERIES.findall(program.page() or ""))))


def _next(program: Program, server: Server, done: int, written: Written) -> State:
    """The state just after a refresh, so that no other one is under way."""
    page = ""

    def passed() -> bool:
        nonlocal page
        page = program.page() or ""
        return _done(program, page) > done

    program.until(passed, PATIENCE, pause=0.1)
    return State(
        _done(program, page),
        {stage: float(total) for stage, total in _DURATION.findall(page)},
        server.database_time(ROLE)[0],
        sum(map(float, _FETCHED.findall(page))),
        written.rows,
    )


def _done(program: Program, page: str) -> int:
    outcomes = {outcome: float(count) for outcome, count in _DONE.findall(page)}
    if outcomes.get("failure") or outcomes.get("partial"):
        complaints = [line for line in program.log.read_text().splitlines() if '"level": "info"' not in line]
        raise ProgramError(f"a refresh of our exporter failed: {' '.join(complaints)}")
    return int(outcomes.get("success", 0))
