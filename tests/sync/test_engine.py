"""Whatever writers do, and whenever the exporter ends, the rollups hold each visible row once."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from exporter.sources.reader import Partition, Span
from tests.sync.checks import Checked, sizes
from tests.sync.simulated import Id, Ledger, Transaction, times_around

MOST_OPEN = 3
PAST = [
    datetime(2026, month, day, hour, 30, tzinfo=UTC) for month, day, hour in [(5, 7, 8), (5, 7, 9), (5, 20, 8), (4, 30, 23)]
]
"""Times in months whose tasks are compacted on the second of June."""
INDEX = st.integers(0, 99)
VALUES = st.fixed_dictionaries(
    {
        "task_id": st.sampled_from(["t1", "t2", "t3", "t4", None]),
        "quest_id": st.sampled_from(["q1", None]),
        "cost_usd": st.sampled_from([Decimal(1), Decimal("0.1"), Decimal(-2), Decimal("NaN"), None]),
        "impact_score": st.sampled_from([Decimal(1), None]),
    }
)
STEPS = st.sampled_from([timedelta(seconds=15), timedelta(minutes=5), timedelta(minutes=40), timedelta(hours=26)])


def days(now: datetime) -> dict[int, Partition]:
    """A partition for each day around now."""
    midnight = datetime.combine(now, time.min, UTC)
    starts = [midnight + timedelta(days=ahead) for ahead in range(-10, 4)]
    return {number: Partition(0, Span(start, start + timedelta(days=1))) for number, start in enumerate(starts)}


class Following(RuleBasedStateMachine):
    """Writers, servers and exporters that come and go."""

    START: ClassVar = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
    COMPACTING: ClassVar = False

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.drawn: list[tuple[Id, int]] = []
        self.polls = 0

    @initialize(name=st.sampled_from(["costs", "impacts"]), numbered=st.booleans(), tracked=st.booleans(), small=st.booleans())
    def begin_to_follow(self, name: str, *, numbered: bool, tracked: bool, small: bool) -> None:
        directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.stack.enter_context(sizes(small=small))
        self.ledger = Ledger(name, self.START, numbered, tracked, partitions=days(self.START))
        self.checked = Checked(self.ledger, Path(directory), self.COMPACTING)
        self.stack.callback(self.checked.close)
        if small:
            self.checked.engine.limits.rows, self.checked.engine.limits.compared = 3, 2
        self.populate()

    def populate(self) -> None:
        """Write what is there before the first poll."""

    def times(self) -> list[datetime | None]:
        """When an entry may occur."""
        return times_around(self.ledger.now)

    def teardown(self) -> None:
        self.stack.close()

    @rule()
    def begin(self) -> None:
        if len(self.ledger.open) < MOST_OPEN:
            self.ledger.begin()

    @rule(which=INDEX, at=INDEX, values=VALUES)
    def insert(self, which: int, at: int, values: dict[str, Any]) -> None:
        times = self.times()
        with self._writing(which) as transaction:
            transaction.insert(times[at % len(times)], **values)

    @rule()
    def draw(self) -> None:
        """Draw an id in a transaction that does not count as running yet."""
        self.drawn.append((self.ledger.draw(), self.polls))

    @precondition(lambda self: self.drawn)
    @rule(at=INDEX, values=VALUES)
    def insert_drawn(self, at: int, values: dict[str, Any]) -> None:
        times = self.times()
        self.ledger.begin().insert(times[at % len(times)], self.drawn.pop()[0], **values)

    @rule(which=INDEX, row=INDEX, touch=st.booleans(), values=VALUES)
    def update(self, which: int, row: int, touch: bool, values: dict[str, Any]) -> None:  # noqa: FBT001
        if unlocked := self.ledger.unlocked():
            with self._writing(which) as transaction:
                transaction.update(unlocked[row % len(unlocked)], touch=touch, **values)

    @rule(which=INDEX, row=INDEX, touch=st.booleans(), at=INDEX)
    def move(self, which: int, row: int, touch: bool, at: int) -> None:  # noqa: FBT001
        times = self.times()
        if unlocked := self.ledger.unlocked():
            with self._writing(which) as transaction:
                transaction.update(unlocked[row % len(unlocked)], touch=touch, occurred_at=times[at % len(times)])

    @rule(which=INDEX, row=INDEX)
    def delete(self, which: int, row: int) -> None:
        if unlocked := self.ledger.unlocked():
            with self._writing(which) as transaction:
                transaction.delete(unlocked[row % len(unlocked)])

    @rule(which=INDEX)
    def savepoint(self, which: int) -> None:
        transaction = self._transaction(which)
        if transaction.savepoints:
            transaction.rollback_to_savepoint()
        else:
            transaction.savepoint()

    @precondition(lambda self: self.ledger.open)
    @rule(which=INDEX)
    def commit(self, which: int) -> None:
        self.checked.commit(self._transaction(which))

    @precondition(lambda self: self.ledger.open)
    @rule(which=INDEX)
    def roll_back(self, which: int) -> None:
        self._transaction(which).rollback()

    @rule(which=INDEX)
    def detach(self, which: int) -> None:
        if self.ledger.partitions and not self.ledger.open:
            self.ledger.detach(sorted(self.ledger.partitions)[which % len(self.ledger.partitions)])

    @rule(which=INDEX)
    def attach(self, which: int) -> None:
        if self.ledger.detached:
            self.ledger.attach(sorted(self.ledger.detached)[which % len(self.ledger.detached)])

    @rule(ahead=st.booleans())
    def crash_of_the_server(self, ahead: bool) -> None:  # noqa: FBT001
        self.drawn.clear()
        self.ledger.crash(ahead=ahead)

    @rule(step=STEPS)
    def wait(self, step: timedelta) -> None:
        self.ledger.now += step

    @rule()
    def poll(self) -> None:
        self._forget_old_draws()
        self.checked.poll()
        if not self.checked.certain:
            self._forget_old_draws()
            self.checked.audit()

    @rule()
    def poll_again(self) -> None:
        self.poll()

    @rule(calls=st.integers(0, 60))
    def crash(self, calls: int) -> None:
        self._forget_old_draws()
        self.checked.attempt(calls)

    @rule()
    def restart(self) -> None:
        self.checked.engine.restart()

    def _transaction(self, which: int) -> Transaction:
        running = self.ledger.open
        return running[which % len(running)] if running else self.ledger.begin()

    @contextmanager
    def _writing(self, which: int) -> Iterator[Transaction]:
        """A transaction that stays open, or one that commits at once."""
        if which % 3 == 0:
            yield self._transaction(which)
        else:
            transaction = self.ledger.begin()
            yield transaction
            self.checked.commit(transaction)

    def _forget_old_draws(self) -> None:
        """Of a transaction that draws an id and is running only two polls later, nothing tells."""
        built = self.checked.engine.progress is not None
        self.drawn = [(number, polls) for number, polls in self.drawn if built and polls == self.polls]
        self.polls += 1


class FollowingCompacted(Following):
    """The same while the closed tasks of a month that has just ended are compacted."""

    START = datetime(2026, 6, 2, 15, 20, tzinfo=UTC)
    COMPACTING = True

    def populate(self) -> None:
        transaction = self.ledger.begin()
        for number in range(8):
            transaction.insert(PAST[number % len(PAST)], task_id=f"t{number // 2}", quest_id="q1", cost_usd=Decimal(number))
        self.checked.commit(transaction)
        self.poll()

    def times(self) -> list[datetime | None]:
        return [*times_around(self.ledger.now)[:4], *PAST, None]


TestFollowing = pytest.mark.slow(Following.TestCase)
TestFollowing.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
TestFollowingCompacted = pytest.mark.slow(FollowingCompacted.TestCase)
TestFollowingCompacted.settings = TestFollowing.settings
