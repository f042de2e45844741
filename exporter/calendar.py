"""Budget days: calendar days in one time zone, divided into hours counted from local midnight.

A day is a half-open range of instants. A day on which the clocks change has 23 or 25 hours, and every instant belongs to
exactly one day. Days are computed here and never in PostgreSQL, because the two may have different time zone data.
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
    """The hours ``first`` to ``last`` (inclusive, counted from midnight) of one day: the unit in which rollups are replaced."""

    day: date
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of one time zone."""

    zone: ZoneInfo

    def day_of(self, instant: datetime) -> date:
        """The calendar day that an aware instant falls on. It goes on where the clocks are set back over its midnight."""
        day = instant.astimezone(self.zone).date()
        return day if instant < self.end(day) else day + ONE_DAY

    def start(self, day: date) -> datetime:
        """The first instant of the day, in UTC. Where the clocks skip midnight, it is the end of the gap."""
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)

    def end(self, day: date) -> datetime:
        """The first instant of the next day, in UTC."""
        return self.start(day + ONE_DAY)

    def hour_of(self, instant: datetime) -> int:
        """The number of full hours between midnight and the instant: 0 to 24."""
        return (instant - self.start(self.day_of(instant))) // HOUR

    def hours_in(self, day: date) -> int:
        """The number of hours of the day. It is 0 for a day that the zone skipped; a partial hour counts (Lord Howe Island)."""
        return -((self.start(day) - self.end(day)) // HOUR)

    def whole(self, day: date) -> Hours:
        """All hours of the day."""
        return Hours(day, 0, self.hours_in(day) - 1)

    def bounds(self, hours: Hours) -> tuple[datetime, datetime]:
        """The half-open range of instants that the hours cover, in UTC."""
        start = self.start(hours.day)
        return start + hours.first * HOUR, min(start + (hours.last + 1) * HOUR, self.end(hours.day))

    def between(self, first: datetime, last: datetime) -> Iterator[Hours]:
        """The hours that contain the instants from ``first`` to ``last``, both included: one value per day."""
        day, final = self.day_of(first), self.day_of(last)
        while day <= final:
            whole = self.whole(day)
            begin = self.hour_of(first) if day == self.day_of(first) else whole.first
            if self.hours_in(day):
                yield Hours(day, begin, self.hour_of(last) if day == final else whole.last)
            day += ONE_DAY

    def clock_hour(self, day: date, hour: int) -> int:
        """The local clock hour, 0 to 23, at which the given hour of the day begins."""
        return (self.start(day) + hour * HOUR).astimezone(self.zone).hour

    def elapsed(self, instant: datetime) -> float:
        """The elapsed share of the day at the instant, 0 to 1."""
        start, end = self.start(self.day_of(instant)), self.end(self.day_of(instant))
        return (instant - start) / (end - start)


def merge(hours: list[Hours]) -> list[Hours]:
    """The same hours in order of time, with adjacent and overlapping ones merged."""
    merged: list[Hours] = []
    for each in sorted(hours):
        last = merged[-1] if merged else None
        if last and last.day == each.day and each.first <= last.last + 1:
            merged[-1] = Hours(last.day, last.first, max(last.last, each.last))
        else:
            merged.append(each)
    return merged
