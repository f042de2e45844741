"""Keeping a report within ``limits.max_series``: rankings of each quest become shorter, and then quests are folded."""

import sys
from itertools import accumulate
from typing import NamedTuple

from exporter.report.context import ReportContext
from exporter.report.series import Kinds, Tariff

OTHER = "other"

# The rank in which quests keep their own series: by the money that goes through them.
_WEIGHTS = """
SELECT quest, layer, coalesce(cells, 0) AS cells, judged.quest IS NOT NULL AS judged
  FROM quest_labels
  LEFT JOIN (SELECT quest, sum(usd) AS usd, count(DISTINCT (provider, model)) AS cells
               FROM cells JOIN model_labels USING (model_key) GROUP BY quest) AS spent USING (quest)
  LEFT JOIN (SELECT quest, sum(allocated_usd) AS usd FROM allocated($today, $today) GROUP BY quest) AS allocated
 USING (quest)
  LEFT JOIN (SELECT DISTINCT quest FROM quest_outcome_totals) AS judged USING (quest)
 ORDER BY greatest(coalesce(spent.usd, 0), coalesce(allocated.usd, 0)) DESC, quest_id
"""
_FOLD = """
UPDATE quest_labels SET quest_id = $other, name = $other, layer = $other WHERE list_contains($beyond, quest)
"""
_JUDGED_TASKS = "SELECT coalesce(sum(tasks), 0)::BIGINT FROM quest_outcome_totals"


def ranked(context: ReportContext) -> int:
    """How many tasks a ranking of all quests may have."""
    judged: int = context.rows(_JUDGED_TASKS)[0][0]
    return min(context.config.report.top, judged)


class Room(NamedTuple):
    """How many tasks each quest may have in its ranking, and how many series the folded quests would have had.

    So it stays with up to ``more_cells`` more quests that have calls of a model, or ``fewer_cells`` fewer.
    """

    quest_top: int
    folded: int = 0
    more_cells: int = 0
    fewer_cells: int = 0


def fold_quests(context: ReportContext, tariff: Tariff, kinds: Kinds) -> Room:
    """Keep within ``limits.max_series``: shorten the rankings of each quest, and without any, fold quests."""
    costs, judged = _costs(context, tariff)
    room = context.config.limits.max_series - tariff.shared(kinds, ranked(context))
    spare = room - sum(costs.values())
    if spare >= 0:
        return _rank_quests(context, tariff, judged, spare)
    room -= tariff.all_in_one(kinds)
    beyond = [quest for quest, so_far in zip(costs, accumulate(costs.values()), strict=True) if so_far > room]
    context.rows(_FOLD, other=OTHER, beyond=beyond)
    return Room(quest_top=0, folded=sum(costs[quest] for quest in beyond))


def _rank_quests(context: ReportContext, tariff: Tariff, judged: int, spare: int) -> Room:
    """As long a ranking of each judged quest as there is room for."""
    wanted, each = context.config.report.quest_top, judged * tariff.task
    quest_top = min(wanted, spare // each) if each else wanted
    left = spare - quest_top * each
    if not tariff.cell:
        return Room(quest_top, more_cells=sys.maxsize // 2, fewer_cells=sys.maxsize // 2)
    fewer = (each - left - 1) // tariff.cell if quest_top < wanted else sys.maxsize // 2
    return Room(quest_top, more_cells=left // tariff.cell, fewer_cells=fewer)


def _costs(context: ReportContext, tariff: Tariff) -> tuple[dict[int, int], int]:
    """How many series each quest may have, in the order in which quests keep theirs; and how many quests were judged."""
    layers: set[str] = set()
    costs, judged_quests = {}, 0
    for quest, layer, cells, judged in context.rows(_WEIGHTS, today=context.today):
        costs[quest] = tariff.quest(cells=cells, judged=judged, new_layer=layer not in layers)
        layers.add(layer)
        judged_quests += judged
    return costs, judged_quests
