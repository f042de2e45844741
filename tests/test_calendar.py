"""Budget days in zones whose days have 23 or 25 hours, or do not begin at midnight."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.calendar import HOUR, ONE_DAY, Calendar

ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu")
INSTANTS = st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - st adds the zone


@pytest.mark.parametrize(
    "zone, day, length, start",
    [
        ("UTC", date(2026, 3, 8), 24, "2026-03-08T00:00:00+00:00"),
        ("America/New_York", date(2026, 3, 8), 23, "2026-03-08T05:00:00+00:00"),
        ("America/New_York", date(2026, 11, 1), 25, "2026-11-01T04:00:00+00:00"),
        ("Asia/Kolkata", date(2026, 11, 20), 24, "2026-11-19T18:30:00+00:00"),
        ("America/Santiago", date(2026, 9, 6), 23, "2026-09-06T04:00:00+00:00"),  # midnight does not exist that day
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5, "2026-04-04T13:00:00+00:00"),
    ],
)
def test_start_and_length_of_a_day(zone: str, day: date, length: float, start: str) -> None:
    calendar = Calendar(ZoneInfo(zone))
    assert calendar.start(day) == datetime.fromisoformat(start)
    assert (calendar.end(day) - calendar.start(day)) / HOUR == length


def test_a_day_goes_on_where_the_clocks_are_set_back_over_midnight() -> None:
    calendar = Calendar(ZoneInfo("America/St_Johns"))  # at 00:01 it was 23:01 again
    midnight = datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    minutes = (-1, 0, 1, 59, 61, 25 * 60 - 1, 25 * 60)
    days = [calendar.day_of(midnight + timedelta(minutes=minute)).day for minute in minutes]
    assert days == [6, 7, 7, 7, 7, 7, 8]


@given(st.sampled_from(ZONES), INSTANTS)
def test_an_instant_is_within_its_day(zone: str, instant: datetime) -> None:
    calendar = Calendar(ZoneInfo(zone))
    day = calendar.day_of(instant)
    assert day == instant.astimezone(ZoneInfo(zone)).date()
    assert calendar.start(day) <= instant < calendar.end(day)
    assert calendar.end(day) == calendar.start(day + ONE_DAY)
    assert 0 <= calendar.elapsed(instant) < 1
