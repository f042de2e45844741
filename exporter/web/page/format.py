"""Numbers and times as text. Unknown is an en dash, never 0."""

from datetime import datetime, tzinfo
from math import floor, log10

ABSENT = "–"
_MINUS = "−"
LEAST = 1e-9
"""A billionth is far below any price per token; smaller amounts are rounding errors."""


def amount(value: float | None) -> str:
    """Return the number with thousands separators and 2 decimals, or more to show two digits."""
    if value is None:
        return ABSENT
    size = abs(value)
    decimals = 2 if size >= 1 or size < LEAST else max(2, 1 - floor(log10(size)))
    text = f"{size:,.{decimals}f}"
    return _MINUS + text if value <= -LEAST else text


def money(value: float | None) -> str:
    """Return the amount in USD, the sign before the currency."""
    text = amount(value)
    return text if value is None else f"{_MINUS}${text[1:]}" if text.startswith(_MINUS) else f"${text}"


def dollars(value: float) -> str:
    """Return the amount in USD without cents where there are none."""
    return f"${value:,.0f}" if value == int(value) else money(value)


def count(value: float | None) -> str:
    """Return a whole number with thousands separators."""
    return ABSENT if value is None else f"{value:,.0f}".replace("-", _MINUS)


def percent(ratio: float | None) -> str:
    """Return a ratio as a percentage with one decimal. What is not 0 or 1 does not read so: ``<0.1 %``, ``>100 %``."""
    if ratio is None:
        return ABSENT
    if 0 < ratio < 0.0005:
        return "<0.1 %"
    if LEAST < abs(ratio - 1) < 0.0005:
        return ">100 %" if ratio > 1 else "<100 %"
    return f"{ratio * 100:,.1f} %".replace("-", _MINUS)


def span(window: str) -> str:
    """Return a window in words."""
    if window == "1d":
        return "today"
    return f"the last {window.removesuffix('d')} days" if window[-1:] == "d" else "all time"


def moment(value: datetime | None, zone: tzinfo | None) -> str:
    """Return the date and the time of day in ``zone``."""
    return ABSENT if value is None else value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
