"""Budget days: calendar days in one time zone, counted from local midnight.

A day is a half-open range of instants. A day on which the clocks change has 23 or 25 hours, and every instant belongs to
exactly one day. Days are computed here and never in PostgreSQL, because the two may have different time zone data.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
ONE_DAY = timedelta(days=1)


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

    def clock_hour(self, day: date, hour: int) -> int:
        """The local clock hour, 0 to 23, at which the given hour of the day begins."""
        return (self.start(day) + hour * HOUR).astimezone(self.zone).hour

    def elapsed(self, instant: datetime) -> float:
        """The elapsed share of the day at the instant, 0 to 1."""
        start, end = self.start(self.day_of(instant)), self.end(self.day_of(instant))
        return (instant - start) / (end - start)
