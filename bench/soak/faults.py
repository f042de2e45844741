"""The faults of a soak test. Each is a context manager: the fault lasts as long as the context."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from signal import Signals
from typing import Final

import psycopg

from bench.soak import postgres
from bench.soak.exporter import PATIENCE, Exporter
from bench.soak.network import Mode, Network
from bench.soak.postgres import Postgres

COLUMNS: Final = (
    ("cost_ledger", "cost_usd"),
    ("impact_ledger", "updated_at"),
    ("quest_budget_allocations", "spent_usd"),
    ("quests", "layer"),
)
TOGETHER: Final = 1 / 3
"""The probability of a second fault at the same time."""
SECTOR: Final = 512
_CUT_OFF: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'resource-exporter'"
_RELOADED: Final = re.compile(r"^resource_exporter_config_last_reload_success(?:ful|_timestamp_seconds) (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Stage:
    """The targets of the faults. ``conninfo`` connects to the ledgers as a superuser, without the proxy."""

    server: Postgres
    conninfo: str
    network: Network
    exporter: Exporter


Happening = Callable[[Stage, Random], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """A kind of fault and the part of the stage that it affects. Two faults of different parts may occur at the same time."""

    name: str
    part: str
    happens: Happening


def deal(random: Random, faults: Sequence[Fault]) -> Iterator[list[Fault]]:
    """Yield faults endlessly, one or two at a time: every kind once in random order, then again in another order."""
    while True:
        deck = random.sample(faults, len(faults))
        while deck:
            first = deck.pop()
            others = [fault for fault in deck if fault.part != first.part]
            second = [random.choice(others)] if others and random.random() < TOGETHER else []
            deck = [fault for fault in deck if fault not in second]
            yield [first, *second]


@contextmanager
def _locked(stage: Stage, random: Random) -> Iterator[None]:
    with psycopg.connect(stage.conninfo) as connection:
        connection.execute(f"LOCK TABLE {random.choice(COLUMNS)[0]} IN ACCESS EXCLUSIVE MODE".encode())
        yield


def _renamed(stage: Stage, random: Random) -> AbstractContextManager[None]:
    table, column = random.choice(COLUMNS)
    return _altered(stage, f"ALTER TABLE {table} RENAME {column} TO other", f"ALTER TABLE {table} RENAME other TO {column}")


def _revoked(stage: Stage, random: Random) -> AbstractContextManager[None]:
    table, _ = random.choice(COLUMNS)
    return _altered(stage, f"REVOKE SELECT ON {table} FROM public", f"GRANT SELECT ON {table} TO public")


@contextmanager
def _altered(stage: Stage, change: str, back: str) -> Iterator[None]:
    _execute(stage, change)
    try:
        yield
    finally:
        _execute(stage, back)


@contextmanager
def _terminated(stage: Stage, _: Random) -> Iterator[None]:
    _execute(stage, _CUT_OFF)
    yield


def _execute(stage: Stage, statement: str) -> None:
    with psycopg.connect(stage.conninfo, autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def _ended(stage: Stage, how: Signals) -> Iterator[None]:
    stage.exporter.end(how)
    yield
    stage.exporter.start()


@contextmanager
def _damaged(stage: Stage, random: Random) -> Iterator[None]:
    stage.exporter.end(random.choice((Signals.SIGKILL, Signals.SIGTERM)))
    _damage(random.choice(stage.exporter.rollups()), random)
    yield
    stage.exporter.start()


def _damage(file: Path, random: Random) -> None:
    """Damage a file as a disk may: truncate it, overwrite a part of it, or delete it."""
    content = file.read_bytes()
    where = random.randint(0, len(content))
    damage: Sequence[Callable[[], object]] = (
        lambda: file.write_bytes(content[:where]),
        lambda: file.write_bytes(content[:where] + random.randbytes(len(content) - where)),
        lambda: file.write_bytes(content[:where] + random.randbytes(SECTOR) + content[where + SECTOR :]),
        file.unlink,
    )
    random.choice(damage)()


@contextmanager
def _reloaded(stage: Stage, _: Random) -> Iterator[None]:
    """Load a wrong configuration, then one that changes waste, and at the end the default one."""
    exporter = stage.exporter
    exporter.configure(waste={"min_tokens": "many"})
    _reload(exporter)
    exporter.configure(waste={"min_tokens": 3000})
    _reload(exporter)
    yield
    exporter.configure()
    _reload(exporter)


def _reload(exporter: Exporter) -> None:
    """Reload, and wait until the metrics show its outcome."""
    before = _RELOADED.findall(exporter.program.page() or "")
    exporter.hang_up()
    exporter.program.until(lambda: _RELOADED.findall(exporter.program.page() or "") not in ([], before), PATIENCE)


FAULTS: Final = (
    Fault("PostgreSQL killed", "PostgreSQL", lambda stage, _: postgres.killed(stage.server)),
    Fault("PostgreSQL restarted", "PostgreSQL", lambda stage, _: postgres.stopped(stage.server)),
    Fault("PostgreSQL frozen", "PostgreSQL", lambda stage, _: postgres.frozen(stage.server)),
    Fault("table locked", "PostgreSQL", _locked),
    Fault("column renamed", "PostgreSQL", _renamed),
    Fault("rights revoked", "PostgreSQL", _revoked),
    Fault("sessions terminated", "PostgreSQL", _terminated),
    Fault("network stalled", "network", lambda stage, _: stage.network.failing(Mode.SILENT)),
    Fault("connections reset", "network", lambda stage, _: stage.network.failing(Mode.RESET)),
    Fault("exporter killed", "exporter", lambda stage, _: _ended(stage, Signals.SIGKILL)),
    Fault("exporter restarted", "exporter", lambda stage, _: _ended(stage, Signals.SIGTERM)),
    Fault("rollup file damaged", "exporter", _damaged),
    Fault("configuration reloaded", "exporter", _reloaded),
)
