"""How quests and models are labelled in a report, and which of them are folded into ``other``.

Folding happens here, once, before any section sums up: every section then folds alike, and no sum loses anything.
"""

from itertools import accumulate
from typing import NamedTuple

from exporter.sections.frame import Frame, Row

OTHER = "other"

_QUESTS = """
CREATE OR REPLACE TEMP TABLE quest_labels AS
WITH known AS (
    SELECT quest FROM cost_totals UNION SELECT quest FROM quest_outcomes
    UNION SELECT quest FROM allocations UNION SELECT quest FROM names
), shown AS (
    FROM known UNION ALL SELECT DISTINCT quest FROM impacts SEMI JOIN (SELECT quest FROM quests ANTI JOIN known USING (quest))
        USING (quest)
), named AS (
    SELECT quest, quest_id, nullif(name, '') AS name, nullif(layer, '') AS layer
      FROM shown JOIN quests USING (quest) LEFT JOIN names USING (quest)
), judged AS (
    SELECT quest, arg_max(layer, stamp) AS latest_layer
      FROM impacts WHERE quest IN (SELECT quest FROM named WHERE layer IS NULL) GROUP BY quest
)
SELECT quest, quest_id, coalesce(name, nullif(clean(quest_id), ''), 'unknown') AS name,
       coalesce(layer, nullif(latest_layer, ''), 'unknown') AS layer
  FROM named LEFT JOIN judged USING (quest)
"""
_PROVIDERS = """
CREATE OR REPLACE TEMP TABLE provider_labels AS
SELECT family,
       CASE WHEN row_number() OVER (ORDER BY sum(usd) DESC, family) <= $most THEN family ELSE 'other' END AS provider
  FROM cost_totals JOIN models USING (pair) GROUP BY family
"""
_MODELS = """
CREATE OR REPLACE TEMP TABLE model_labels AS
WITH named AS (
    SELECT pair, provider_labels.provider, coalesce(nullif(model, ''), 'unknown') AS model
      FROM models JOIN provider_labels USING (family)
), ranked AS (
    SELECT provider, model, row_number() OVER (PARTITION BY provider ORDER BY sum(usd) DESC, model) AS rank
      FROM cost_totals JOIN named USING (pair) GROUP BY provider, model
)
SELECT pair, provider, CASE WHEN rank <= $most THEN model ELSE 'other' END AS model
  FROM named JOIN ranked USING (provider, model)
"""
# The rank in which quests keep their own series: by the money that goes through them.
_WEIGHTS = """
SELECT quest, layer, coalesce(cells, 0) AS cells, judged.quest IS NOT NULL AS judged
  FROM quest_labels
  LEFT JOIN (SELECT quest, sum(usd) AS usd, count(DISTINCT (provider, model)) AS cells
               FROM cost_totals JOIN model_labels USING (pair) GROUP BY quest) AS spent USING (quest)
  LEFT JOIN (SELECT quest, sum(allocated_usd) AS usd FROM allocations WHERE day = $today GROUP BY quest) AS allocated
 USING (quest)
  LEFT JOIN (SELECT DISTINCT quest FROM quest_outcomes) AS judged USING (quest)
 ORDER BY greatest(coalesce(spent.usd, 0), coalesce(allocated.usd, 0)) DESC, quest_id
"""
_FOLDED_LABEL_SETS = """
SELECT count(DISTINCT (quest, family, models.model)) - count(DISTINCT (quest, model_labels.provider, model_labels.model))
  FROM cost_totals JOIN models USING (pair) JOIN model_labels USING (pair)
"""
_FOLD = """
UPDATE quest_labels SET quest_id = $other, name = $other, layer = $other WHERE list_contains($beyond, quest)
"""
_KINDS = "SELECT count(DISTINCT provider), count(DISTINCT (provider, model)) FROM model_labels"
_DIGEST = """
SELECT (SELECT bit_xor(hash(q)) FROM quest_labels AS q), (SELECT bit_xor(hash(m)) FROM model_labels AS m),
       (SELECT bit_xor(hash(p)) FROM provider_labels AS p)
"""
SERIES_PER_CELL = 4
"""Spend, calls, and tokens in and out, of one quest with one model."""


class Kinds(NamedTuple):
    """How many providers, and how many models of them, have labels of their own."""

    providers: int
    models: int


class Labels(NamedTuple):
    """How many series were folded into ``other``, and a digest that changes with any label."""

    folded: int
    digest: Row


def prepare(frame: Frame) -> Labels:
    """Make ``quest_labels``, ``provider_labels`` and ``model_labels``."""
    frame.rows(_QUESTS)
    kinds = _label_models(frame)
    folded: int = frame.rows(_FOLDED_LABEL_SETS)[0][0] * SERIES_PER_CELL
    folded += _fold_quests(frame, kinds)
    return Labels(folded, frame.rows(_DIGEST)[0])


def _label_models(frame: Frame) -> Kinds:
    """Fold models and providers beyond their own limits, and further where all quests in one would still be too many series."""
    limits = frame.config.limits
    providers, models = limits.max_providers, limits.models_per_provider
    while True:
        frame.rows(_PROVIDERS, most=providers)
        frame.rows(_MODELS, most=models)
        kinds = Kinds(*frame.rows(_KINDS)[0])
        if _shared_series(frame, kinds) + _series_of_other(frame, kinds) <= limits.max_series or providers == models == 1:
            return kinds
        providers, models = (providers, models // 2) if models > 1 else (providers // 2, models)


def _fold_quests(frame: Frame, kinds: Kinds) -> int:
    """Fold the quests that would go beyond ``limits.max_series``; returns how many series they would have had."""
    prices = _prices(frame)
    room = frame.config.limits.max_series - _shared_series(frame, kinds)
    if sum(prices.values()) <= room:
        return 0
    room -= _series_of_other(frame, kinds)
    beyond = [quest for quest, so_far in zip(prices, accumulate(prices.values()), strict=True) if so_far > room]
    frame.rows(_FOLD, other=OTHER, beyond=beyond)
    return sum(prices[quest] for quest in beyond)


def _prices(frame: Frame) -> dict[int, int]:
    """How many series each quest may have, in the order in which quests keep theirs."""
    layers: set[str] = set()
    prices = {}
    for quest, layer, cells, judged in frame.rows(_WEIGHTS, today=frame.today):
        prices[quest] = _price(frame, cells=cells, judged=judged, new_layer=layer not in layers)
        layers.add(layer)
    return prices


def _price(frame: Frame, *, cells: int, judged: bool, new_layer: bool) -> int:
    """Allocation, reported and projected spend; spend by window; impact, its cost and waste by window; its layer's days."""
    windows = len(frame.windows)
    return cells * SERIES_PER_CELL + 3 + windows + judged * 8 * windows + new_layer * 2 * len(frame.timeline)


def _shared_series(frame: Frame, kinds: Kinds) -> int:
    """The series that there are whatever the quests: by provider and model, the rankings, and two without a label."""
    return (9 * kinds.providers + kinds.models + 6 * frame.config.report.top) * len(frame.windows) + 2


def _series_of_other(frame: Frame, kinds: Kinds) -> int:
    return _price(frame, cells=kinds.models, judged=True, new_layer=True)
