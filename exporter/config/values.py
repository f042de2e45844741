"""Parsers of amounts and times.

Each takes plain data (str, int, Decimal, list or dict) and raises ValueError with the message: what is wrong; how to fix it.
The message is shown after the file, the line and the key path.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

from exporter.config.errors import nearest, quoted

LONGEST = timedelta(days=7)
"""Keeps timeouts derived from a duration below PostgreSQL's limit of 2**31 milliseconds."""
MOST_DAYS = 36_500
MOST_IMPACT = 10**12
MOST_DECIMALS = 15
"""As many as the rollups store of an amount."""
_DURATION = re.compile(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?")
_WINDOW = re.compile(r"([1-9]\d{0,8})d")


@dataclass(frozen=True, slots=True)
class Window:
    """The last ``days`` whole days, today included; None means all days."""

    name: str
    days: int | None


def duration(value: object) -> timedelta:
    """A duration in the syntax of Go, such as ``1h30m``, in h, m, s and ms: more than 0 and at most 7 days."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if found is None:
        raise ValueError(f"{quoted(value)} is not a duration; write a number and a unit, such as 15s, 10m or 2h")
    hours, minutes, seconds, milliseconds = (int(count or 0) for count in found.groups())
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
    if not timedelta(0) < length <= LONGEST:
        raise ValueError(f"{quoted(value)} is out of range; write a duration from 1ms to 168h (7 days)")
    return length


def whole(least: int, most: int) -> Callable[[object], int]:
    """A parser of whole numbers from ``least`` to ``most``, both included."""

    def parse(value: object) -> int:
        if not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{quoted(value)} is not a whole number from {least} to {most}")
        return value

    return parse


def number(value: object) -> Decimal:
    """A number with exactly the digits as written, at most ±``MOST_IMPACT``."""
    if not isinstance(value, int | Decimal) or not -MOST_IMPACT <= value <= MOST_IMPACT:
        raise ValueError(f"{quoted(value)} is not a number up to {MOST_IMPACT}; write digits and a point, such as 0.5")
    number = Decimal(value)
    if number != number.quantize(Decimal((0, (1,), -MOST_DECIMALS))):
        raise ValueError(f"{quoted(value)} has more than {MOST_DECIMALS} decimals; round it")
    return number


def window(value: object) -> Window:
    """``7d`` (today and the 6 days before) or ``lifetime``."""
    if value == "lifetime":
        return Window("lifetime", None)
    found = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) > MOST_DAYS:
        raise ValueError(f"{quoted(value)} is not a window; write 1d to {MOST_DAYS}d, or lifetime")
    return Window(found[0], int(found[1]))


def days(value: object) -> timedelta:
    """Whole days, such as ``90d``."""
    found = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) > MOST_DAYS:
        raise ValueError(f"{quoted(value)} is not a number of days; write 1d to {MOST_DAYS}d")
    return timedelta(days=int(found[1]))


def windows(value: tuple[Window, ...]) -> tuple[Window, ...]:
    """At least one window, each only once."""
    if not value:
        raise ValueError("is an empty list; name at least one window, such as [1d]")
    twice = {one.name for one in value if value.count(one) > 1}
    if twice:
        raise ValueError(f"{', '.join(sorted(twice))} is listed more than once; list each window once")
    return value


def timezone(value: object) -> ZoneInfo:
    """An IANA time zone. ``localtime`` is an error: it depends on the machine."""
    names = available_timezones() - {"localtime"}
    if not isinstance(value, str) or value not in names:
        match = nearest(str(value), sorted(names))
        hint = "write one such as UTC or Europe/Berlin" if match is None else f"did you mean '{match}'?"
        raise ValueError(f"{quoted(value)} is not an IANA time zone; {hint}")
    return ZoneInfo(value)
