"""The geometry of the charts on the page: the donut of today's allocation, and the timeline of budget against spend."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, cos, floor, log10, pi, sin

from exporter import palette
from exporter.metrics import Labels
from exporter.web.page.rows import DayRow

LARGEST = 8
"""How many quests have a slice of their own."""
_MOST_DATES = 5
_LEAST_WITH_NUMBER = 0.04
_GAP = 0.4


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a circle with a circumference of 100 that begins at the top. ``start`` and ``share`` are from 0 to 1.

    ``quest_id`` is set only where quests share a name.
    """

    name: str
    usd: float
    share: float
    start: float
    color: str
    quest_id: str = ""

    @property
    def dash(self) -> float:
        """The length of its arc: with a gap before the next slice, unless it is too small for one."""
        length = 100 * self.share
        return round(max(length - _GAP, length / 2), 4)

    @property
    def number_at(self) -> tuple[float, float] | None:
        """Where its number stands: the middle of the slice, from the centre, with a radius of 1; None without room for it."""
        middle = 2 * pi * (self.start + self.share / 2)
        return (sin(middle), -cos(middle)) if self.share >= _LEAST_WITH_NUMBER else None


def donut(allocated: Mapping[Labels, float], id_if_shared: Callable[[str, str], str]) -> tuple[Slice, ...]:
    """Return the largest allocations and last all others together. ``allocated`` is USD by the labels of quests.

    ``id_if_shared`` returns what is shown of the id and the name of a quest beside the name.
    """
    ranked = sorted(((usd, key) for key, usd in allocated.items() if usd > 0), key=lambda each: (-each[0], each[1]))
    parts = [(key[1], usd, palette.of_quest(key[1]), id_if_shared(key[0], key[1])) for usd, key in ranked[:LARGEST]]
    if other := sum(usd for usd, _ in ranked[LARGEST:]):
        parts.append(("Other", other, palette.REST, ""))
    whole, slices, start = sum(usd for _, usd, _, _ in parts), [], 0.0
    for name, usd, color, quest_id in parts:
        slices.append(Slice(name, usd, usd / whole, start, color, quest_id))
        start += usd / whole
    return tuple(slices)


@dataclass(frozen=True, slots=True)
class Bar:
    """The spend of one day in percent of the height: within the budget, and over it."""

    day: DayRow
    within: float
    over: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """Days from left to right, each one unit wide. The height is 100, which is ``top`` USD.

    ``budget`` is the step line of the budget as SVG path data, with gaps where it is unknown. ``dates`` has for each day its
    date, or nothing where there is no room.
    """

    top: float
    bars: tuple[Bar, ...]
    budget: str
    dates: tuple[str, ...]


def timeline(days: Sequence[DayRow]) -> Timeline | None:
    """Return the chart of the days, of which the latest is first; None without any amount to draw."""
    days = days[::-1]
    largest = max((amount for day in days for amount in (day.allocated or 0, day.spent or 0)), default=0)
    if largest <= 0:
        return None
    top = _ceiling(largest)
    step = ceil(len(days) / _MOST_DATES)
    dates = tuple(day.day[5:] if (len(days) - 1 - at) % step == 0 else "" for at, day in enumerate(days))
    return Timeline(top, tuple(_bar(day, top) for day in days), _line(days, top), dates)


def _ceiling(usd: float) -> float:
    """The least of 1, 2, 4, 6, 8 and 10 times a power of ten that is not below the amount."""
    unit = 10.0 ** floor(log10(usd))
    return next((unit * steps for steps in (1, 2, 4, 6, 8) if unit * steps >= usd), unit * 10)


def _bar(day: DayRow, top: float) -> Bar:
    spent = max(day.spent or 0, 0)
    within = spent if day.allocated is None else min(spent, max(day.allocated, 0))
    return Bar(day, round(100 * within / top, 2), round(100 * (spent - within) / top, 2))


def _line(days: Sequence[DayRow], top: float) -> str:
    path, drawing = "", False
    for at, day in enumerate(days):
        if day.allocated is not None:
            height = round(100 - 100 * day.allocated / top, 2)
            path += f"{f'V{height}' if drawing else f'M{at} {height}'}H{at + 1}"
        drawing = day.allocated is not None
    return path
