"""The steps of a run. Each returns its measurements by name: ``long.database_ms``, ``sql_exporter.gzip.16.per_second``."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Final

import psycopg

from bench import ours
from bench.ledger import Shape, fill, live
from bench.peers import PEERS, Peer
from bench.processes import Program, ProgramError
from bench.questions import AGGREGATION, DAY, Question, question, questions
from bench.scrape import CONNECTIONS, ENCODINGS, scrape
from bench.server import Server
from bench.sizes import Size

PLAIN: Final = "plain"
BUSY: Final = "busy_day"
VARIANTS: Final = ("all_time", "last_30_days")
MAX_SERIES: Final = 10_000
FRESH_ROWS: Final = 5
Measured = dict[str, float]
_SERIES: Final = """
SELECT 'quest-' || number AS quest_id, 'Quest number ' || number AS quest, 'Forge' AS layer, '30d' AS "window",
       number::float8 AS resource_quest_spend_usd
  FROM generate_series(1, {}) AS number
"""
_FRESH: Final = "INSERT INTO cost_ledger (created_at, task_id, provider, model, cost_usd) VALUES (now(), %s, %s, 'fresh', 1)"


@dataclass(frozen=True)
class Bench:
    """What the steps work with. ``tell`` shows what is going on, ``warn`` what has gone wrong."""

    server: Server
    size: Size
    directory: Path
    tell: Callable[[str], None]
    warn: Callable[[str], None]

    def role(self, name: str, variant: str = VARIANTS[0]) -> str:
        """The database role of somebody who asks a variant of the questions."""
        return f"{name}_{variant}"

    def create_roles(self) -> None:
        """Make the roles by which database time is told apart; those of a variant find its views first."""
        self.server.create_role(ours.ROLE)
        for name in (PLAIN, *(peer.role for peer in PEERS)):
            for variant in VARIANTS:
                self.server.create_role(self.role(name, variant))
                if variant != VARIANTS[0]:
                    self.server.look_first_into(self.role(name, variant), variant)

    def url(self, database: str, user: str) -> str:
        """The connection as a URL, which is how the peers want it."""
        return f"postgresql://{user}@127.0.0.1:{self.server.port}/{database}?sslmode=disable"

    def load(self, name: str, shape: Shape) -> None:
        """Make a ledger that ends now."""
        self.tell(f"loading {name}: {shape.rows:,} calls of {shape.days} days")
        fill(self.server.create_database(name), shape, time.time())

    def asked(self) -> list[Question]:
        """The questions, with their columns."""
        with psycopg.connect(self.server.conninfo(self.size.main)) as connection:
            return questions(connection)


def plain(bench: Bench) -> Measured:
    """Database time of all questions, asked one after the other over one connection, and of the plain aggregations."""
    asked = bench.asked()
    found = {}
    for variant, name in zip(VARIANTS, (PLAIN, f"{PLAIN}.last_30_days"), strict=True):
        bench.tell(f"asking the questions as plain SQL, {variant.replace('_', ' ')}")
        queries = [each.sql for each in asked]
        found[f"{name}.database_ms"] = _database_ms(bench, bench.size.main, variant, queries)
    bench.tell("aggregating both ledgers with plain SQL")
    found["plain.aggregation_s"] = _database_ms(bench, bench.size.main, VARIANTS[0], [AGGREGATION.read_text()]) / 1000
    return found


def _database_ms(bench: Bench, database: str, variant: str, queries: Iterable[str]) -> float:
    role = bench.role(PLAIN, variant)
    times = []
    with psycopg.connect(bench.server.conninfo(database, role), autocommit=True) as connection:
        for _ in range(bench.size.runs):
            before, _calls = bench.server.database_time(role)
            for query in queries:
                connection.execute(query.encode()).fetchall()
            times.append(bench.server.database_time(role)[0] - before)
    return median(times)


def peers(bench: Bench) -> Measured:
    """One refresh of each installed peer, which begins with its start: database time, seconds until all is on its page."""
    asked = bench.asked()
    found: Measured = {}
    for peer, variant in product(_installed(), VARIANTS):
        bench.tell(f"a refresh of {peer.name}, {variant.replace('_', ' ')}")
        with _left_out_if_it_fails(bench):
            runs = [_peer_refresh(bench, peer, variant, asked) for _ in range(bench.size.runs)]
            found |= {f"{peer.name}.{variant}.{name}": median(run[name] for run in runs) for name in runs[0]}
    return found


def _installed() -> list[Peer]:
    return [peer for peer in PEERS if peer.path]


@contextmanager
def _left_out_if_it_fails(bench: Bench) -> Iterator[None]:
    """A peer that fails costs its own figures, not a run of half an hour."""
    try:
        yield
    except ProgramError as error:
        bench.warn(f"left out: {error}")


def _peer_refresh(bench: Bench, peer: Peer, variant: str, asked: list[Question]) -> Measured:
    role = bench.role(peer.role, variant)
    before, _ = bench.server.database_time(role)
    with peer.running(asked, bench.url(bench.size.main, role), bench.directory) as program:
        seconds = peer.refresh(program, asked)
        took = bench.server.database_time(role)[0] - before
        return {"database_ms": took, "refresh_s": seconds, "memory_mb": program.memory()[0]}


def life(bench: Bench) -> Measured:
    """Our exporter over the main ledger while it is written to: first build, refreshes, memory, restart, freshness."""
    name = bench.size.main
    bench.tell(f"building the rollups of {name}")
    with live(bench.server.conninfo(name), bench.size.history[name].rate):
        with ours.serving(bench.server, name, bench.directory, bench.size.interval) as program:
            found = {"ours.build_s": ours.refreshed(program)}
            found |= _refreshes(bench, program, name)
            built, found["ours.peak_memory_mb"] = program.memory()
            found["ours.progress_lines"] = program.log.read_text().count('"percent"')
        found["ours.rollups_mb"] = (bench.directory / f"{name}.duckdb").stat().st_size / 1e6
        bench.tell("starting again")
        found["ours.restart_s"] = median(_restart(bench, name) for _ in range(3))
        with ours.serving(bench.server, name, bench.directory, bench.size.interval) as program:
            ours.refreshed(program)
            found["ours.freshness_s"] = median(_fresh(bench, program, number) for number in range(FRESH_ROWS))
            found["ours.memory_mb"] = max(built, program.memory()[0])
    return found


def _refreshes(bench: Bench, program: Program, name: str) -> Measured:
    bench.tell(f"refreshes of {name} with live inserts")
    found = ours.refreshes(program, bench.server, bench.size.refreshes)
    return {f"{name}.{measurement}": value for measurement, value in found.items()}


def _restart(bench: Bench, name: str) -> float:
    with ours.serving(bench.server, name, bench.directory, bench.size.interval) as program:
        return ours.published(program)


def _fresh(bench: Bench, program: Program, number: int) -> float:
    """Seconds from the commit of a row of a new provider until that provider is on the page."""
    provider = f"fresh-{number}"
    with psycopg.connect(bench.server.conninfo(bench.size.main), autocommit=True) as connection:
        connection.execute(_FRESH, [provider, provider])
    committed = time.monotonic()
    program.until(lambda: f'provider="{provider}"' in (program.page() or ""), ours.PATIENCE, pause=0.02)
    return time.monotonic() - committed


def growth(bench: Bench) -> Measured:
    """Refreshes with less history, and at other rates, each over a ledger of its own."""
    shorter = {name: shape for name, shape in bench.size.history.items() if name != bench.size.main}
    found: Measured = {}
    for name, shape in [*shorter.items(), *bench.size.rates.items()]:
        bench.load(name, shape)
        if name in bench.size.rates:
            found[f"{name}.plain_day_ms"] = _database_ms(bench, name, VARIANTS[0], [DAY.read_text()])
        found |= _grown(bench, name, shape)
        bench.server.drop_database(name)
    return found


def _grown(bench: Bench, name: str, shape: Shape) -> Measured:
    with (
        live(bench.server.conninfo(name), shape.rate),
        ours.serving(bench.server, name, bench.directory, bench.size.interval) as program,
    ):
        ours.refreshed(program)
        return _refreshes(bench, program, name)


def scrapes(bench: Bench) -> Measured:
    """Scrapes of about 10,000 series; the peers serve as many as we do."""
    name = bench.size.main
    bench.tell("scrapes of our exporter")
    limits = {"max_series": MAX_SERIES}
    with ours.serving(bench.server, name, bench.directory, ours.SELDOM, limits=limits) as program:
        ours.refreshed(program)
        count = ours.series(program)
        found = {"ours.series": float(count), **_load(bench, "ours", program)}
    with psycopg.connect(bench.server.conninfo(name)) as connection:
        asked = [question(connection, "quest_spend", _SERIES.format(count))]
    for peer in _installed():
        bench.tell(f"scrapes of {peer.name}")
        url = bench.url(name, bench.role(peer.role))
        with _left_out_if_it_fails(bench), peer.running(asked, url, bench.directory) as program:
            peer.refresh(program, asked)
            found |= _load(bench, peer.name, program)
    return found


def _load(bench: Bench, name: str, program: Program) -> Measured:
    found: Measured = {}
    for encoding in ENCODINGS:
        for connections in CONNECTIONS:
            load = scrape(program.url, encoding, connections, bench.size.scraping)
            key = f"{name}.{encoding}.{connections}"
            found |= {f"{key}.p50_ms": load.p50_ms, f"{key}.p99_ms": load.p99_ms, f"{key}.per_second": load.per_second}
    return found


def busy(bench: Bench) -> Measured:
    """The first build of one busy day, and the refreshes after it."""
    bench.load(BUSY, bench.size.busy)
    bench.tell(f"building the rollups of {BUSY}")
    with ours.serving(bench.server, BUSY, bench.directory, bench.size.interval) as program:
        found = {f"{BUSY}.build_s": ours.refreshed(program)}
        found[f"{BUSY}.peak_memory_mb"] = program.memory()[1]
    bench.server.drop_database(BUSY)
    return found


STEPS: Final[Mapping[str, Callable[[Bench], Measured]]] = {
    "plain": plain,
    "peers": peers,
    "life": life,
    "scrapes": scrapes,
    "growth": growth,
    "busy": busy,
}
