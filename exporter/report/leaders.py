"""Looking up the tasks that are first in a ranking, in some windows and places, with their labels and values."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from exporter.metrics import Sample
from exporter.report.context import ReportContext, Row
from exporter.rollups.tasks import RANKED

# Of one window, all that may be among the first: a threshold first, so that not all tasks need their id looked up and sorted.
_LEADERS = """
SELECT *, NULL AS place FROM window_tasks WHERE time_window = '{window}' AND {condition} IS NOT NULL AND {rank} >= (
    SELECT min({rank}) FROM (
        SELECT {rank} FROM window_tasks WHERE time_window = '{window}' AND {condition} IS NOT NULL
         ORDER BY {rank} DESC LIMIT {top}))
"""
_LEADERS_OF_QUESTS = """
SELECT leader.*, leader.quest AS place
  FROM window_tasks AS leader JOIN (
        SELECT quest, list_min(max({rank}, {quest_top})) AS least
          FROM window_tasks WHERE time_window = '{window}' AND {condition} IS NOT NULL AND {quests} GROUP BY quest
       ) AS threshold ON threshold.quest = leader.quest AND {rank} >= least
 WHERE time_window = '{window}' AND {condition} IS NOT NULL
"""
_SINGLE = """
SELECT *, quest AS place FROM window_tasks WHERE time_window = '{window}' AND {condition} IS NOT NULL AND task IN ({tasks})
"""
# All places are looked up together, for most of their tasks are the same.
_LABELLED = """
SELECT time_window, place, l.task, l.{rank}, task_id,
       coalesce(nullif(latest.title, ''), nullif(clean(task_id), ''), 'unknown'),
       q.quest_id, q.name, coalesce(nullif(latest.layer, ''), q.layer), {columns}
  FROM ({leaders}) AS l
  JOIN tasks USING (task) JOIN task_totals AS latest USING (task) JOIN quest_labels AS q ON q.quest = l.quest
"""
# The first of each place, ties by task id.
_FIRST = """
QUALIFY row_number() OVER (PARTITION BY time_window, place ORDER BY l.{rank} DESC, task_id)
        <= CASE WHEN place IS NULL THEN {top} ELSE {quest_top} END
"""

Place = int | None
"""A quest by its number, or None: all quests together."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The tasks of each window by the column ``rank``, of those that are ranked by it at all.

    ``values`` are what is shown of each, and ``labels`` those beside the labels of the task, as SQL over ``l``, a row of
    ``window_tasks``.
    """

    rank: str
    values: tuple[str, ...]
    labels: tuple[str, ...] = ()

    @property
    def condition(self) -> str:
        """The column that is NULL for tasks that are not ranked."""
        return RANKED[self.rank]


class Leader(NamedTuple):
    """A task in a ranking, given by its number, with a sample for each value. Leaders are in the order of the ranking."""

    below: float
    """The rank, negative."""
    task_id: str
    task: int
    samples: tuple[Sample, ...]


Leaders = dict[str, dict[Place, list[Leader]]]
"""By window and place, in order."""


class Lengths(NamedTuple):
    """How many tasks of all quests, and of each quest, are looked up; no quest has any if the latter is 0."""

    top: int
    quest_top: int

    def of(self, place: Place) -> int:
        """How many tasks of a place are looked up."""
        return self.top if place is None else self.quest_top


def look_up(context: ReportContext, ranking: Ranking, places: Mapping[str, set[Place] | None], lengths: Lengths) -> Leaders:
    """The first tasks of some places of each window (None: of all); places without any are left out."""
    terms = {"rank": ranking.rank, "condition": ranking.condition, **lengths._asdict()}
    return _labelled(context, ranking, list(_leaders(places, terms)), _FIRST.format(**terms))


def single(context: ReportContext, ranking: Ranking, tasks: Mapping[str, Collection[int]]) -> Leaders:
    """Some tasks of each window, each in the place of its quest, whatever its rank. Those without a rank are left out."""
    terms = {"rank": ranking.rank, "condition": ranking.condition}
    listed = {window: ", ".join(map(str, sorted(some))) for window, some in tasks.items() if some}
    return _labelled(context, ranking, [_SINGLE.format(window=window, tasks=each, **terms) for window, each in listed.items()])


def _labelled(context: ReportContext, ranking: Ranking, leaders: Sequence[str], which: str = "") -> Leaders:
    if not leaders:
        return {}
    columns = ", ".join(ranking.labels + ranking.values)
    query = _LABELLED.format(rank=ranking.rank, leaders=" UNION ALL ".join(leaders), columns=columns)
    found: Leaders = defaultdict(lambda: defaultdict(list))
    for row in context.rows(query + which):
        found[row[0]][row[1]].append(Leader(-row[3], row[4], row[2], tuple(_samples(row, len(ranking.values)))))
    for places in found.values():
        for each in places.values():
            each.sort()
    return found


def _leaders(places: Mapping[str, set[Place] | None], terms: Mapping[str, object]) -> Iterator[str]:
    """The queries for the leaders of some places."""
    for window, some in places.items():
        if some is None or None in some:
            yield _LEADERS.format(window=window, **terms)
        quests = None if some is None else sorted(place for place in some if place is not None)
        if terms["quest_top"] and quests != []:
            among = "TRUE" if quests is None else f"quest IN ({', '.join(map(str, quests))})"
            yield _LEADERS_OF_QUESTS.format(window=window, quests=among, **terms)


def _samples(row: Row, values: int) -> Iterator[Sample]:
    """A sample for each of the last ``values`` columns, all with the same labels."""
    labels = (*row[4:-values], row[0])
    for value in row[-values:]:
        yield labels, float(value)
