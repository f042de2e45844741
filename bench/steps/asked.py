"""The questions of the report, asked by others: as plain SQL, and by the peers."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from statistics import median

from bench.peers import PEERS, Peer
from bench.processes import ProgramError
from bench.questions import AGGREGATION, Question
from bench.steps.context import PLAIN, VARIANTS, Bench, Measured


def plain(bench: Bench) -> Measured:
    """Database time of all questions, asked one after the other over one connection."""
    asked = bench.asked()
    found = {}
    for variant, name in zip(VARIANTS, (PLAIN, f"{PLAIN}.last_30_days"), strict=True):
        bench.tell(f"asking the questions as plain SQL, {variant.replace('_', ' ')}")
        found[f"{name}.database_ms"] = bench.database_ms(bench.main(), variant, [each.sql for each in asked])
    return found


def aggregation(bench: Bench) -> Measured:
    """Database time of the plain aggregation that a first build is compared with."""
    name = bench.main()
    bench.tell("aggregating both ledgers with plain SQL")
    return {"plain.aggregation_s": bench.database_ms(name, VARIANTS[0], [AGGREGATION.read_text()]) / 1000}


def peers(bench: Bench) -> Measured:
    """One refresh of each installed peer, which begins with its start: database time, seconds until all is on its page."""
    asked = bench.asked()
    found: Measured = {}
    for peer, variant in product(installed(), VARIANTS):
        bench.tell(f"a refresh of {peer.name}, {variant.replace('_', ' ')}")
        with left_out_if_it_fails(bench):
            runs = [_refresh(bench, peer, variant, asked) for _ in range(bench.size.peer_runs)]
            found |= {f"{peer.name}.{variant}.{name}": median(run[name] for run in runs) for name in runs[0]}
    return found


def installed() -> list[Peer]:
    """The peers that can be measured."""
    return [peer for peer in PEERS if peer.path]


@contextmanager
def left_out_if_it_fails(bench: Bench) -> Iterator[None]:
    """A peer that fails costs its own figures, not a run of half an hour."""
    try:
        yield
    except ProgramError as error:
        bench.warn(f"left out: {error}")


def _refresh(bench: Bench, peer: Peer, variant: str, asked: list[Question]) -> Measured:
    role = bench.role(peer.role, variant)
    before, _ = bench.server.database_time(role)
    with peer.running(asked, bench.url(bench.main(), role), bench.directory) as program:
        seconds = peer.refresh(program, asked)
        took = bench.server.database_time(role)[0] - before
        return {"database_ms": took, "refresh_s": seconds, "memory_mb": program.memory()[0]}
