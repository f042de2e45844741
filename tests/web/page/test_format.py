from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.web.page.format import amount, count, dollars, moment, money, percent, span


@pytest.mark.parametrize(
    "value,text",
    [
        (None, "–"),
        (0, "0.00"),
        (1234567.891, "1,234,567.89"),
        (1, "1.00"),
        (0.5, "0.50"),
        (0.034, "0.034"),
        (0.0999, "0.100"),
        (0.00342, "0.0034"),
        (0.000001, "0.0000010"),
        (-1234.5, "−1,234.50"),
        (-0.0034, "−0.0034"),
        (0.1 + 0.2 - 0.3, "0.00"),
        (0.3 - 0.2 - 0.1, "0.00"),
    ],
)
def test_amount(value: float | None, text: str) -> None:
    assert amount(value) == text


@pytest.mark.parametrize("value,text", [(None, "–"), (1234.5, "$1,234.50"), (-0.0034, "−$0.0034"), (0.0, "$0.00")])
def test_money(value: float | None, text: str) -> None:
    assert money(value) == text


@pytest.mark.parametrize("value,text", [(None, "–"), (0.0, "0"), (1234567.0, "1,234,567"), (-5.0, "−5")])
def test_count(value: float | None, text: str) -> None:
    assert count(value) == text


@pytest.mark.parametrize(
    "value,text",
    [
        (None, "–"),
        (0.0, "0.0 %"),
        (0.0004, "<0.1 %"),
        (0.1234, "12.3 %"),
        (0.9996, "<100 %"),
        (1.0, "100.0 %"),
        (0.1 / 0.3 * 3, "100.0 %"),
        (1.0004, ">100 %"),
        (4.05, "405.0 %"),
        (12.5, "1,250.0 %"),
        (-0.5, "−50.0 %"),
    ],
)
def test_percent(value: float | None, text: str) -> None:
    assert percent(value) == text


def test_moment_is_told_in_the_zone_of_the_report() -> None:
    assert moment(datetime(2026, 7, 1, 12, 0, 5, tzinfo=UTC), ZoneInfo("Europe/Zurich")) == "2026-07-01 14:00:05"
    assert moment(None, UTC) == "–"


@pytest.mark.parametrize(
    "window,text", [("1d", "today"), ("7d", "the last 7 days"), ("400d", "the last 400 days"), ("lifetime", "all time")]
)
def test_span(window: str, text: str) -> None:
    assert span(window) == text


@pytest.mark.parametrize("value,text", [(0.0, "$0"), (2.0, "$2"), (0.5, "$0.50"), (60000.0, "$60,000"), (0.02, "$0.020")])
def test_dollars_have_cents_only_where_there_are_some(value: float, text: str) -> None:
    assert dollars(value) == text
