"""Which moments of the past are written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from exporter.calendar import HOUR, Calendar

STEPS = {f"{minutes}m": timedelta(minutes=minutes) for minutes in (1, 2, 3, 5, 10, 15, 20, 30)} | {"1h": HOUR}
"""Steps that every midnight is a moment of, also on days on which the clocks change."""


@dataclass(frozen=True, slots=True)
class Target:
    """The labels that Prometheus gives to what it scrapes from the exporter, so that imported series are the same series."""

    job: str
    instance: str


class SpanError(ValueError):
    """A flag that cannot be understood; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Span:
    """Moments from the first midnight to ``last``, ``step`` apart; moment number n is n steps after the first."""

    calendar: Calendar
    first: datetime
    last: datetime
    step: timedelta

    def __len__(self) -> int:
        return (self.last - self.first) // self.step + 1

    def moment(self, number: int) -> datetime:
        """The moment of a number, in UTC."""
        return self.first + number * self.step

    def days(self) -> Iterator[tuple[date, range]]:
        """Each day, and the numbers of its moments."""
        number = 0
        while number < len(self):
            day = self.calendar.day_of(self.moment(number))
            following = min(-((self.first - self.calendar.end(day)) // self.step), len(self))
            yield day, range(number, following)
            number = following


def parse_span(calendar: Calendar, first: str, last: str | None, step: str, now: datetime) -> Span:
    """The span that the flags ask for: from the midnight that begins ``--from`` to the one that ends ``--to``, never past now.

    Raises:
        SpanError: a date is no date, in the future or before the other one, or the step is none of STEPS.
    """
    if step not in STEPS:
        raise SpanError(f"--step={step}: must divide an hour evenly; choose one of {', '.join(STEPS)}")
    begin, end = _day("--from", first), _day("--to", last) if last else calendar.day_of(now)
    span = Span(calendar, calendar.start(begin), min(calendar.end(end), now), STEPS[step])
    if begin > end or span.first > now:
        raise SpanError(f"--from={begin}: must not lie after --to ({end}) nor in the future")
    return span


def _day(flag: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SpanError(f"{flag}={text}: is no date; write it like 2026-01-31") from error
