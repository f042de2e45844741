"""The time span of a backfill and the moments of its samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from exporter.calendar import HOUR, Calendar

STEPS = {f"{minutes}m": timedelta(minutes=minutes) for minutes in (1, 2, 3, 5, 10, 15, 20, 30)} | {"1h": HOUR}
"""The allowed steps: every midnight is a moment, even where the clocks change."""


@dataclass(frozen=True, slots=True)
class Target:
    """The labels that Prometheus adds to the scraped series. Imported series need the same ones to be the same series."""

    job: str
    instance: str


class SpanError(ValueError):
    """The value of a flag is wrong. The message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Span:
    """The moments from the midnight ``first`` to ``last``, ``step`` apart. Moment number n is n steps after ``first``."""

    calendar: Calendar
    first: datetime
    last: datetime
    step: timedelta

    def __len__(self) -> int:
        return (self.last - self.first) // self.step + 1

    def moment(self, number: int) -> datetime:
        """The moment with this number, in UTC."""
        return self.first + number * self.step

    def days(self) -> Iterator[tuple[date, range]]:
        """Each day with the numbers of its moments."""
        number = 0
        while number < len(self):
            day = self.calendar.day_of(self.moment(number))
            following = min(-((self.first - self.calendar.end(day)) // self.step), len(self))
            yield day, range(number, following)
            number = following


def parse_span(calendar: Calendar, first: str, last: str | None, step: str, now: datetime) -> Span:
    """Return the span of the flags: from the start of the day ``--from`` to the end of ``--to``, but not beyond ``now``.

    Raises:
        SpanError: a date cannot be parsed, ``--from`` is after ``--to`` or in the future, or the step is not one of STEPS.
    """
    if step not in STEPS:
        raise SpanError(f"--step={step}: must be one of {', '.join(STEPS)}")
    begin, end = _day("--from", first), _day("--to", last) if last else calendar.day_of(now)
    span = Span(calendar, calendar.start(begin), min(calendar.end(end), now), STEPS[step])
    if begin > end or span.first > now:
        raise SpanError(f"--from={begin}: must not be after --to ({end}) or in the future")
    return span


def _day(flag: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SpanError(f"{flag}={text}: is not a date; fix: write it like 2026-01-31") from error
