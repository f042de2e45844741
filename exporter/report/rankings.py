"""The first tasks of each window, of all quests and of each, kept from report to report with some that follow them.

A task that changed leaves its places, and is looked up alone if it may have one now. A place is looked up again when more have
left it than had followed.
"""

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from exporter.metrics import Sample
from exporter.report.context import ReportContext
from exporter.report.labels import Labels
from exporter.report.leaders import Leader, Lengths, Place, Ranking, look_up, single

SPARE = 5
"""Tasks that are kept behind the first of a place."""
MOST_SINGLE = 500
"""Tasks of a window that are looked up alone; where more may have a place now, all places are looked up."""


class WindowTask(NamedTuple):
    """A row of ``window_tasks`` that came or went. Of a task that is no more, all but the first two are None."""

    window: str
    task: int
    quest: Any = None
    usd: Any = None
    tokens: Any = None
    impact: Any = None
    reason: Any = None
    efficiency: Any = None


@dataclass(slots=True)
class _Found:
    """What is known of one place: all its tasks, in order, or those up to the one that was ``last``."""

    leaders: list[Leader]
    last: Leader | None = None

    def may_hold(self, below: float) -> bool:
        """Whether a task of this rank may be among what is known; of two with one rank, the ids decide."""
        return self.last is None or below <= self.last.below

    def add(self, leader: Leader, most: int) -> None:
        """Add a task, unless it comes after what is known, and keep so many."""
        if self.last is None or leader < self.last:
            insort(self.leaders, leader)
        if len(self.leaders) > most:
            del self.leaders[most:]
            self.last = self.leaders[-1]


@dataclass(slots=True)
class _Window:
    """The first tasks of one window. ``changed`` are tasks that may have lost their places, ``entering`` may have one now."""

    lengths: Lengths
    found: dict[Place, _Found] | None = None
    """None: nothing is known. A place that is not among them has no tasks."""
    changed: set[int] = field(default_factory=set)
    entering: set[int] = field(default_factory=set)

    def note(self, task: int, quest: Place, below: float | None) -> None:
        """Note that a task changed. ``below`` is its rank, negative; None: it has none."""
        if self.found is None:
            return
        self.changed.add(task)
        places = [self.found.get(place) for place in self._places(quest)]
        if below is not None and any(place is None or place.may_hold(below) for place in places):
            self.entering.add(task)
        if len(self.entering) > MOST_SINGLE:
            self.found = None

    def replace(self, entering: Mapping[Place, list[Leader]]) -> bool:
        """Put what tasks are now in the place of what they were before they changed. Returns whether any has or had a place."""
        changed, self.changed, self.entering = self.changed, set(), set()
        moved = False
        for each in (self.found or {}).values():
            kept = [leader for leader in each.leaders if leader.task not in changed]
            moved |= len(kept) < len(each.leaders)
            each.leaders = kept
        for quest, leaders in entering.items():
            for place in self._places(quest):
                for leader in leaders:
                    self._of(place).add(leader, self.lengths.of(place))
        return moved or bool(entering)

    def short(self) -> set[Place] | None:
        """The places of which too few tasks are known; None: all."""
        if self.found is None:
            return None
        return {place for place, each in self.found.items() if each.last and len(each.leaders) < self._shown(place)}

    def take(self, places: set[Place] | None, looked_up: Mapping[Place, list[Leader]]) -> None:
        """Take what was looked up of some places (None: of all)."""
        kept = {place: each for place, each in (self.found or {}).items() if places is not None and place not in places}
        self.found = kept | {
            place: _Found(leaders, leaders[-1] if len(leaders) >= self.lengths.of(place) else None)
            for place, leaders in looked_up.items()
        }

    @property
    def tasks(self) -> dict[int, tuple[Sample, ...]]:
        """What is shown of the first tasks of all places."""
        places = (self.found or {}).items()
        return {leader.task: leader.samples for place, each in places for leader in each.leaders[: self._shown(place)]}

    def _places(self, quest: Place) -> tuple[Place, ...]:
        return (None, quest) if self.lengths.quest_top else (None,)

    def _of(self, place: Place) -> _Found:
        assert self.found is not None  # noqa: S101 - else no task was noted that enters
        return self.found.setdefault(place, _Found([]))

    def _shown(self, place: Place) -> int:
        return self.lengths.of(place) - SPARE


class Rankings:
    """What was looked up for the report before, as far as it stands."""

    def __init__(self) -> None:
        self._windows: dict[Ranking, dict[str, _Window]] = {}
        self._samples: dict[Ranking, list[list[Sample]]] = {}
        self._names: object = None

    def note(self, changed: Iterable[WindowTask]) -> None:
        """Note the tasks that came and went; of one that did both, what came is the last."""
        rows = list(changed)
        for ranking, windows in self._windows.items():
            for row in rows:
                ranked = getattr(row, ranking.condition) is not None
                windows[row.window].note(row.task, row.quest, -getattr(row, ranking.rank) if ranked else None)

    def first(self, context: ReportContext, ranking: Ranking, labels: Labels) -> list[list[Sample]]:
        """The first tasks of all quests and of each quest in all windows: samples of each value, ordered by their labels."""
        if labels.names != self._names:
            self._windows.clear()
            self._names = labels.names
        lengths = Lengths(context.config.report.top + SPARE, labels.quest_top + SPARE if labels.quest_top else 0)
        windows = self._windows.setdefault(ranking, {window: _Window(lengths) for window in context.windows})
        if _follow(context, ranking, windows, lengths):
            rows = sorted(samples for window in windows.values() for samples in window.tasks.values())
            self._samples[ranking] = [[row[place] for row in rows] for place in range(len(ranking.values))]
        return self._samples[ranking]


def _follow(context: ReportContext, ranking: Ranking, windows: Mapping[str, _Window], lengths: Lengths) -> bool:
    """Bring what is known of each window in step with what changed. Returns whether it may show something else now."""
    known = {name: window.entering for name, window in windows.items() if window.found is not None}
    entering = single(context, ranking, known)
    moved = [window.replace(entering.get(name, {})) for name, window in windows.items()]
    short = {name: places for name, window in windows.items() if (places := window.short()) != set()}
    found = look_up(context, ranking, short, lengths)
    for name, places in short.items():
        windows[name].take(places, found.get(name, {}))
    return any(moved) or bool(short)
