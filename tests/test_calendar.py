"""Budget days in zones whose days have 23 or 25 hours, or do not begin at midnight."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.calendar import HOUR, Calendar, Hours, merge

ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu")
INSTANTS = st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - st adds the zone


@pytest.mark.parametrize(
    "zone, day, hours, start",
    [
        ("UTC", date(2026, 3, 8), 24, "2026-03-08T00:00:00+00:00"),
        ("America/New_York", date(2026, 3, 8), 23, "2026-03-08T05:00:00+00:00"),
        ("America/New_York", date(2026, 11, 1), 25, "2026-11-01T04:00:00+00:00"),
        ("Asia/Kolkata", date(2026, 11, 20), 24, "2026-11-19T18:30:00+00:00"),
        ("America/Santiago", date(2026, 9, 6), 23, "2026-09-06T04:00:00+00:00"),  # midnight does not exist that day
        ("Australia/Lord_Howe", date(2026, 4, 5), 25, "2026-04-04T13:00:00+00:00"),  # 24 hours and a half
    ],
)
def test_start_and_length_of_a_day(zone: str, day: date, hours: int, start: str) -> None:
    calendar = Calendar(ZoneInfo(zone))
    assert calendar.start(day) == datetime.fromisoformat(start)
    assert calendar.hours_in(day) == hours


def test_a_day_goes_on_where_the_clocks_are_set_back_over_midnight() -> None:
    calendar = Calendar(ZoneInfo("America/St_Johns"))  # at 00:01 it was 23:01 again
    midnight = datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    minutes = (-1, 0, 1, 59, 61, 25 * 60 - 1, 25 * 60)
    days = [calendar.day_of(midnight + timedelta(minutes=minute)).day for minute in minutes]
    assert days == [6, 7, 7, 7, 7, 7, 8]
    assert calendar.hour_of(midnight + timedelta(minutes=30)) == 0


@given(st.sampled_from(ZONES), INSTANTS)
def test_an_instant_is_within_its_hour_and_its_day(zone: str, instant: datetime) -> None:
    calendar = Calendar(ZoneInfo(zone))
    day, hour = calendar.day_of(instant), calendar.hour_of(instant)
    start, end = calendar.bounds(Hours(day, hour, hour))
    assert day == instant.astimezone(ZoneInfo(zone)).date()
    assert start <= instant < end
    assert calendar.start(day) <= start
    assert end <= calendar.end(day)
    assert 0 <= calendar.elapsed(instant) < 1


@given(st.sampled_from(ZONES), INSTANTS, st.timedeltas(timedelta(0), timedelta(days=5)))
def test_the_hours_between_two_instants_have_no_gap(zone: str, first: datetime, length: timedelta) -> None:
    calendar = Calendar(ZoneInfo(zone))
    covered = [calendar.bounds(hours) for hours in calendar.between(first, first + length)]
    assert covered[0][0] <= first < covered[0][0] + HOUR
    assert covered[-1][0] <= first + length < covered[-1][1]
    assert all(before[1] == after[0] for before, after in pairwise(covered))


def test_adjacent_hours_are_merged_within_a_day_only() -> None:
    day, other = date(2026, 1, 1), date(2026, 1, 2)
    hours = [Hours(other, 0, 0), Hours(day, 5, 6), Hours(day, 7, 7), Hours(day, 6, 6), Hours(day, 20, 23)]
    assert merge(hours) == [Hours(day, 5, 7), Hours(day, 20, 23), Hours(other, 0, 0)]
