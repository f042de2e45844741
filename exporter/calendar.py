"""Budget days: calendar days of one time zone, cut into hours from their own midnight.

A day is a half-open range of instants, so a day on which the clocks change has 23 or 25 hours and nothing is counted
twice. The exporter computes days itself, never PostgreSQL, so that both need not agree on the history of time zones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Hours:
    """The hours ``first`` to ``last`` (included, counted from midnight) of one day: the unit in which rollups are replaced."""

    day: date
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of one time zone."""

    zone: ZoneInfo

    def day_of(self, instant: datetime) -> date:
        """The calendar day that an aware instant falls on."""
        return instant.astimezone(self.zone).date()

    def start(self, day: date) -> datetime:
        """The first instant of the day, in UTC. Where the clocks skip midnight, that is the end of the gap."""
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)

    def end(self, day: date) -> datetime:
        """The first instant of the next day, in UTC."""
        return self.start(day + ONE_DAY)

    def hour_of(self, instant: datetime) -> int:
        """How many full hours after its midnight the instant lies: 0 to 24."""
        return (instant - self.start(self.day_of(instant))) // HOUR

    def hours_in(self, day: date) -> int:
        """How many hours the day has: 0 where the zone left it out; one that is cut short, as on Lord Howe Island, counts."""
        return -((self.start(day) - self.end(day)) // HOUR)

    def whole(self, day: date) -> Hours:
        """All hours of the day."""
        return Hours(day, 0, self.hours_in(day) - 1)

    def bounds(self, hours: Hours) -> tuple[datetime, datetime]:
        """The half-open range of instants that the hours cover, in UTC."""
        start = self.start(hours.day)
        return start + hours.first * HOUR, min(start + (hours.last + 1) * HOUR, self.end(hours.day))

    def between(self, first: datetime, last: datetime) -> Iterator[Hours]:
        """The hours that hold the instants from ``first`` to ``last``, both included, one value per day."""
        day, final = self.day_of(first), self.day_of(last)
        while day <= final:
            whole = self.whole(day)
            begin = self.hour_of(first) if day == self.day_of(first) else whole.first
            if self.hours_in(day):
                yield Hours(day, begin, self.hour_of(last) if day == final else whole.last)
            day += ONE_DAY

    def clock_hour(self, day: date, hour: int) -> int:
        """What a clock on the wall shows, 0 to 23, when the given hour of the day begins."""
        return (self.start(day) + hour * HOUR).astimezone(self.zone).hour

    def elapsed(self, instant: datetime) -> float:
        """The share of its day that has gone by at the instant, 0 to 1."""
        start, end = self.start(self.day_of(instant)), self.end(self.day_of(instant))
        return (instant - start) / (end - start)


def merge(hours: list[Hours]) -> list[Hours]:
    """The same hours with neighbours and doubles joined, in order of time."""
    merged: list[Hours] = []
    for each in sorted(hours):
        last = merged[-1] if merged else None
        if last and last.day == each.day and each.first <= last.last + 1:
            merged[-1] = Hours(last.day, last.first, max(last.last, each.last))
        else:
            merged.append(each)
    return merged
