"""What the steps of a run work with: the server, the ledgers, and where measurements go."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import psycopg

from bench import ours
from bench.ledger import fill
from bench.peers import PEERS
from bench.processes import Program
from bench.questions import Question, questions
from bench.server import Server
from bench.sizes import Size

PLAIN: Final = "plain"
VARIANTS: Final = ("all_time", "last_30_days")
Measured = dict[str, float]


@dataclass(frozen=True)
class Bench:
    """What the steps work with. ``tell`` shows what is going on, ``warn`` what has gone wrong."""

    server: Server
    size: Size
    directory: Path
    tell: Callable[[str], None]
    warn: Callable[[str], None]
    _loaded: set[str] = field(default_factory=set)

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

    def main(self) -> str:
        """The name of the main ledger, which the first step that needs it loads, and which stays."""
        if self.size.main not in self._loaded:
            self._load(self.size.main)
        return self.size.main

    @contextmanager
    def ledger(self, name: str) -> Iterator[str]:
        """A ledger that ends now, as long as the context lives; gives its connection string."""
        self._load(name)
        yield self.server.conninfo(name)
        self.server.drop_database(name)

    @contextmanager
    def histories(self) -> Iterator[list[str]]:
        """The names of the ledgers of different length, the main one last; the others go when the context ends."""
        others = [name for name in self.size.history if name != self.size.main]
        with ExitStack() as stack:
            for name in others:
                stack.enter_context(self.ledger(name))
            yield [*others, self.main()]

    def serving(self, name: str) -> AbstractContextManager[Program]:
        """Our exporter over a ledger, at the interval for its rate."""
        return ours.serving(self.server, name, self.directory, self.size.interval_of(name))

    def asked(self) -> list[Question]:
        """The questions, with their columns."""
        with psycopg.connect(self.server.conninfo(self.main())) as connection:
            return questions(connection)

    def database_ms(self, database: str, variant: str, queries: Iterable[str]) -> float:
        """Database time of queries that are asked one after the other over one connection: the median of some runs."""
        role = self.role(PLAIN, variant)
        times = []
        with psycopg.connect(self.server.conninfo(database, role), autocommit=True) as connection:
            for _ in range(self.size.runs):
                before, _calls = self.server.database_time(role)
                for query in queries:
                    connection.execute(query.encode()).fetchall()
                times.append(self.server.database_time(role)[0] - before)
        return median(times)

    def _load(self, name: str) -> None:
        shape = self.size.ledgers[name]
        what = f"loading {name}: {shape.rows:,} calls of {shape.days:g} days"
        fill(self.server.create_database(name), shape, time.time(), lambda calls: self.tell(f"{what}, {calls:,} so far"))
        self._loaded.add(name)


def figures(runs: Mapping[str, Sequence[ours.Run]]) -> Measured:
    """What came of some runs, each figure under the name that the runs have."""
    return {f"{name}.{figure}": value for name, each in runs.items() for figure, value in ours.figures(*each).items()}
