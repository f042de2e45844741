"""The first tasks of each window, of all quests and of each, looked up again only where a changed task may be among them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

from exporter.metrics import Sample
from exporter.report.context import ReportContext, Row
from exporter.report.labels import Labels

# Of one window, all that may be among the first: a threshold first, so that not all tasks need their id looked up and sorted.
_LEADERS = """
SELECT *, NULL AS place FROM window_tasks WHERE time_window = '{window}' AND {condition} IS NOT NULL AND {rank} >= (
    SELECT min({rank}) FROM (
        SELECT {rank} FROM window_tasks WHERE time_window = '{window}' AND {condition} IS NOT NULL
         ORDER BY {rank} DESC LIMIT $top))
"""
_LEADERS_OF_QUESTS = """
SELECT leader.*, leader.quest AS place
  FROM window_tasks AS leader JOIN (
        SELECT quest, list_min(max({rank}, {quest_top})) AS least
          FROM window_tasks WHERE time_window = '{window}' AND {condition} IS NOT NULL AND {quests} GROUP BY quest
       ) AS threshold ON threshold.quest = leader.quest AND {rank} >= least
 WHERE time_window = '{window}' AND {condition} IS NOT NULL
"""
# The first of each place, ties by task id. All places are looked up together, for most of their tasks are the same.
_TOP = """
SELECT time_window, place, l.task, l.{rank}, task_id,
       coalesce(nullif(latest.title, ''), nullif(clean(task_id), ''), 'unknown'),
       q.quest_id, q.name, coalesce(nullif(latest.layer, ''), q.layer), {columns}
  FROM ({leaders}) AS l
  JOIN tasks USING (task) JOIN task_totals AS latest USING (task) JOIN quest_labels AS q ON q.quest = l.quest
QUALIFY row_number() OVER (PARTITION BY time_window, place ORDER BY l.{rank} DESC, task_id)
        <= CASE WHEN place IS NULL THEN $top ELSE {quest_top} END
"""

Place = int | None
"""A quest by its number, or None: all quests together."""


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


@dataclass(frozen=True, slots=True)
class Ranking:
    """The tasks of each window by the column ``rank``, of those that have ``condition``.

    ``values`` are what is shown of each, and ``labels`` those beside the labels of the task, as SQL over ``l``, a row of
    ``window_tasks``.
    """

    rank: str
    condition: str
    values: tuple[str, ...]
    labels: tuple[str, ...] = ()


class _Found(NamedTuple):
    """The first tasks of one place by their numbers, a sample for each value, and the least rank where no other has room."""

    tasks: Mapping[int, tuple[Sample, ...]]
    least: float


@dataclass(slots=True)
class _Window:
    """The first tasks of one window, and where they are to be looked up again. At first, that is everywhere."""

    found: dict[Place, _Found] = field(default_factory=dict)
    places: dict[int, set[Place]] = field(default_factory=dict)
    """Where each task is among the first."""
    dirty: set[Place] | None = None
    """None: everywhere."""

    def note(self, task: int, quest: Place, rank: float | None) -> None:
        """Look up again where the task was among the first, or may be now. Without a rank, it no longer can."""
        if self.dirty is None:
            return
        self.dirty |= self.places.get(task, set())
        if rank is not None:
            self.dirty |= {place for place in (None, quest) if place not in self.found or rank >= self.found[place].least}

    def replace(self, found: Mapping[Place, _Found]) -> None:
        """Take what was looked up in the place of all that is dirty."""
        kept = {} if self.dirty is None else {place: each for place, each in self.found.items() if place not in self.dirty}
        self.found, self.dirty = kept | dict(found), set()
        self.places = defaultdict(set)
        for place, each in self.found.items():
            for task in each.tasks:
                self.places[task].add(place)

    @property
    def tasks(self) -> Mapping[int, tuple[Sample, ...]]:
        """Those of all places."""
        return {task: samples for each in self.found.values() for task, samples in each.tasks.items()}


class Rankings:
    """What was looked up for the report before, as far as it stands."""

    def __init__(self) -> None:
        self._windows: dict[Ranking, dict[str, _Window]] = {}
        self._samples: dict[Ranking, list[list[Sample]]] = {}
        self._names: object = None

    def note(self, changed: Iterable[WindowTask]) -> None:
        """Look up again where one of these tasks was among the first, or may be now."""
        rows = list(changed)
        for ranking, windows in self._windows.items():
            rank, condition = map(WindowTask._fields.index, (ranking.rank, ranking.condition))
            for row in rows:
                ranked = None if row[condition] is None else float(row[rank] or 0)
                windows[row.window].note(row.task, row.quest, ranked)

    def first(self, context: ReportContext, ranking: Ranking, labels: Labels) -> list[list[Sample]]:
        """The first tasks of all quests and of each quest in all windows: samples of each value, ordered by their labels."""
        if labels.names != self._names:
            self._windows.clear()
            self._names = labels.names
        windows = self._windows.setdefault(ranking, {window: _Window() for window in context.windows})
        found = _look_up(context, ranking, {name: each.dirty for name, each in windows.items()}, labels.quest_top)
        for name, places in found.items():
            windows[name].replace(places)
        if found:
            rows = sorted(samples for window in windows.values() for samples in window.tasks.values())
            self._samples[ranking] = [[row[place] for row in rows] for place in range(len(ranking.values))]
        return self._samples[ranking]


def _look_up(
    context: ReportContext, ranking: Ranking, dirty: Mapping[str, set[Place] | None], quest_top: int
) -> dict[str, dict[Place, _Found]]:
    """The first tasks of the dirty places, by window and place. Windows without any are left out."""
    terms = {"rank": ranking.rank, "condition": ranking.condition, "quest_top": quest_top}
    leaders = list(_leaders(dirty, terms))
    if not leaders:
        return {}
    top = context.config.report.top
    query = _TOP.format(leaders=" UNION ALL ".join(leaders), columns=", ".join(ranking.labels + ranking.values), **terms)
    ranked: dict[str, dict[Place, list[Row]]] = {name: defaultdict(list) for name, places in dirty.items() if places != set()}
    for row in context.rows(query, top=top):
        ranked[row[0]][row[1]].append(row)
    return {
        window: {place: _found(rows, top if place is None else quest_top, ranking) for place, rows in places.items()}
        for window, places in ranked.items()
    }


def _leaders(dirty: Mapping[str, set[Place] | None], terms: Mapping[str, object]) -> Iterator[str]:
    """The queries for the leaders of the dirty places."""
    for window, places in dirty.items():
        if places is None or None in places:
            yield _LEADERS.format(window=window, **terms)
        quests = None if places is None else sorted(place for place in places if place is not None)
        if terms["quest_top"] and quests != []:
            among = "TRUE" if quests is None else f"quest IN ({', '.join(map(str, quests))})"
            yield _LEADERS_OF_QUESTS.format(window=window, quests=among, **terms)


def _found(rows: Sequence[Row], most: int, ranking: Ranking) -> _Found:
    """``rows`` are of one place: the window, the place, the task, its rank, labels and values."""
    least = min(row[3] for row in rows) if len(rows) >= most else -inf
    return _Found({row[2]: tuple(_samples(row, len(ranking.values))) for row in rows}, least)


def _samples(row: Row, values: int) -> Iterator[Sample]:
    """A sample for each of the last ``values`` columns, all with the same labels."""
    labels = (*row[4:-values], row[0])
    for value in row[-values:]:
        yield labels, float(value)
