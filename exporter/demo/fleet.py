"""A simulated fleet of agents. The content of its ledgers is a pure function of a seed and the clock.

The history and live operation use the same function, the events of a time span, so live operation continues the history
without a break.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from exporter.demo import budgets, tasks
from exporter.demo.budgets import Allocation, Budget
from exporter.demo.tasks import LONGEST, Call, Impact, midnight

DAY = timedelta(days=1)
HISTORY = 45 * DAY
LONGEST_PERIOD = 92
"""The days of the longest period of a budget, a quarter."""

PACE = 8
LEAD = timedelta(hours=2)
"""After the history, the clock of the fleet runs ``PACE`` times as fast as real time until it is ``LEAD`` ahead, and then in
real time. So dashboards change visibly at first, and in a demo that runs for days the spend still fits the budgets."""


class Events(NamedTuple):
    """The rows that a time span adds to the ledgers, in order of time.

    ``judged`` are the first impacts of tasks. ``rescored`` are tasks that were judged earlier and get their score now.
    """

    calls: list[Call]
    judged: list[Impact]
    rescored: list[Impact]
    allocations: list[Allocation]
    budgets: list[Budget]


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet whose history ends at ``now``. All arguments and results are in real time, in UTC."""

    seed: int
    now: datetime
    history: timedelta = HISTORY

    @property
    def start(self) -> datetime:
        """The midnight at which the history begins."""
        return midnight((self.now - self.history).date())

    def days(self) -> Iterator[tuple[datetime, datetime]]:
        """The history as half-open spans of one day; the last one ends at ``now``."""
        begin = self.start
        while begin < self.now:
            yield begin, min(begin + DAY, self.now)
            begin += DAY

    def running(self) -> list[Budget]:
        """The budgets of periods that began before the history and end in it."""
        first = self.start.date()
        began = (each for back in range(1, LONGEST_PERIOD) for each in budgets.periods(first - back * DAY))
        return [each for each in began if each.ends_on >= first]

    def events(self, after: datetime, until: datetime) -> Events:
        """The events of the half-open span from ``after`` to ``until``."""
        first, last = self._ahead(after), self._ahead(until)
        begun = [day for day in _dates(after, until) if after <= midnight(day) < until]
        calls: list[Call] = []
        impacts: dict[str, Impact] = {}
        for day in _dates(max(self.start, first - LONGEST), last):
            planned = tasks.plan(self.seed, day, (day - self.start.date()).days)
            calls += (self._call(each) for each in planned.calls if first <= each.created_at < last)
            impacts |= {each.task_id: self._impact(each) for each in planned.impacts if first <= each.updated_at < last}
        return Events(
            sorted(calls, key=attrgetter("created_at")),
            sorted((each for each in impacts.values() if each.created_at >= after), key=attrgetter("created_at")),
            sorted((each for each in impacts.values() if each.created_at < after), key=attrgetter("updated_at")),
            [each for day in begun for each in budgets.allocations(self.seed, day)],
            [each for day in begun for each in budgets.periods(day)],
        )

    def _call(self, planned: Call) -> Call:
        return planned._replace(created_at=self._behind(planned.created_at))

    def _impact(self, planned: Impact) -> Impact:
        return planned._replace(created_at=self._behind(planned.created_at), updated_at=self._behind(planned.updated_at))

    def _ahead(self, ours: datetime) -> datetime:
        """Convert real time to the time of the fleet."""
        return min(self.now + PACE * (ours - self.now), ours + LEAD) if ours > self.now else ours

    def _behind(self, fleets: datetime) -> datetime:
        """The inverse of ``_ahead``."""
        return max(self.now + (fleets - self.now) // PACE, fleets - LEAD) if fleets > self.now else fleets


def _dates(first: datetime, last: datetime) -> Iterator[date]:
    """The days from the one of ``first`` to the one of ``last``."""
    for number in range((last.date() - first.date()).days + 1):
        yield first.date() + number * DAY
