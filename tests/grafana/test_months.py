"""The sums of calendar months, at their borders and in other time zones, against a computation without PromQL."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.grafana.boards import asked
from tests.grafana.test_status import evaluate, series

DAYS = 92
"""From 1970-01-01 on, where promtool begins."""
TIMELINE = 30


def spent_on(day: date) -> int:
    """USD of a whole day; half of it is spent until noon."""
    return 2 * day.toordinal() % 97 * 2


def local(hour: int, offset: int) -> datetime:
    """The local time at an hour since the epoch."""
    return datetime.fromtimestamp(hour * 3600, UTC) + timedelta(hours=offset)


def samples(day: date, offset: int, since: int) -> str:
    """What an exporter says of a day at every hour: nothing before it, half of its spend until noon, nothing after 30 days."""
    midnight = (day - date(1970, 1, 1)).days * 24 - offset
    values = [spent_on(day) // 2] * 12 + [spent_on(day)] * (24 * TIMELINE - 12)
    begin = max(midnight, since)
    shown = values[begin - midnight : max(24 * DAYS - midnight, 0)]
    return " ".join([f"_x{begin}"] * bool(begin) + [f"{value}x{shown.count(value) - 1}" for value in dict.fromkeys(shown)])


def given(offset: int, since: int = 0) -> list[dict[str, str]]:
    """The series of an exporter in a time zone, scraped from an hour on."""
    first = local(since, offset).date()
    labels = {"job": "fleet", "instance": "a"}
    elapsed = " ".join(str(local(hour, offset).hour / 24) for hour in range(24 * DAYS))
    days = [first + timedelta(number) for number in range(1 - TIMELINE, DAYS)]
    return [
        series("resource_budget_day_elapsed_ratio", elapsed, **labels),
        *(
            series(f"resource_day_{name}_usd", samples(day, offset, since), layer=layer, day=day.isoformat(), **labels)
            for day in days
            for name, layer in (("spend", "Forge"), ("allocation", "Forge"), ("allocation", "Atlas"))
        ),
    ]


def sums(now: datetime) -> tuple[int, int]:
    """USD of the month so far, and of the month before."""
    today = now.date()
    month = [today - timedelta(back) for back in range(today.day)]
    last = month[-1] - timedelta(1)
    whole = [last - timedelta(back) for back in range(last.day)]
    so_far = spent_on(today) // (2 if now.hour < 12 else 1)
    return so_far + sum(map(spent_on, month[1:])), sum(map(spent_on, whole))


@pytest.mark.prometheus("promtool")
@pytest.mark.parametrize("offset", [-10, 0, 13])
def test_months_are_exact_at_their_borders(tmp_path: Path, offset: int) -> None:
    checks = []
    for month, day, hour in ((3, 1, 0), (2, 28, 23), (3, 1, 13), (3, 31, 9), (4, 1, 0), (3, 15, 12)):
        moment = datetime(1970, month, day, hour, tzinfo=UTC) - timedelta(hours=offset)
        so_far, before = sums(local(round(moment.timestamp()) // 3600, offset))
        at = f"{round(moment.timestamp()) // 3600}h"
        for title, value in (("Spent this month", so_far), ("Spent last month", before), ("Used this month", 0.5)):
            checks.append((asked("resource-month", title), at, [{"labels": "{}", "value": value}]))
    evaluate(tmp_path / "tests.yml", given(offset), checks, interval="1h")


@pytest.mark.prometheus("promtool")
def test_a_month_of_which_a_day_is_not_known_is_absent(tmp_path: Path) -> None:
    """The exporter is first scraped at noon of February 15."""
    moment = datetime(1970, 2, 20, 15, tzinfo=UTC)
    at = f"{round(moment.timestamp()) // 3600}h"
    checks = [
        (asked("resource-month", "Spent this month"), at, [{"labels": "{}", "value": sums(moment)[0]}]),
        (asked("resource-month", "Spent last month"), at, []),
    ]
    evaluate(tmp_path / "tests.yml", given(0, since=(31 + 14) * 24 + 12), checks, interval="1h")
