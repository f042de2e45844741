"""The months whose closed tasks are compacted, or were, as the rollups remember them."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from pydantic import TypeAdapter


class State(Enum):
    """Of the tasks of a month."""

    COMPACTING = "compacting"
    COMPACTED = "compacted"
    REOPENED = "reopened"
    """Ranges of the month are to be read again, or tasks of it to be derived again."""
    OPEN = "open"
    """All of it has been read again."""


AGAIN = timedelta(days=7)
"""After which a month that was opened may be compacted again."""


@dataclass(frozen=True, slots=True)
class Month:
    """The state of a month: the task number from which on tasks are to be compacted, and the day on which it was opened."""

    state: State
    position: int | None = None
    since: date | None = None

    def due(self, today: date) -> bool:
        """Whether its closed tasks may be compacted: not in the week after it was opened, for it may be changed again."""
        return self.state is State.OPEN and (self.since is None or abs(today - self.since) > AGAIN)


Months = dict[date, Month]
"""By their first days. Those whose tasks were never compacted are not among them."""
MONTHS = TypeAdapter(Months)


def reopened(months: Months) -> set[date]:
    """Those that are reopened."""
    return {month for month, each in months.items() if each.state is State.REOPENED}
