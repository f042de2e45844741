"""Labelling quests and models for a report, and folding those into ``other`` that are too many.

Folding happens here, once, before any section sums up: every section then folds alike, and no sum loses anything.
"""

from collections.abc import Iterable, Iterator

from exporter.columns import COST_SUMS, listed
from exporter.metrics import Metric
from exporter.report.context import ReportContext
from exporter.report.folding import fold_quests, ranked
from exporter.report.labels import Labels, called
from exporter.report.series import Kinds, Tariff

# Labels are made rarely, and then these sums are asked for several times.
_CELLS = f"""
CREATE OR REPLACE TEMP TABLE cells AS
SELECT quest, model_key, {listed(COST_SUMS, "sum({name}) AS {name}")} FROM daily_costs GROUP BY ALL HAVING sum(entries) <> 0
"""
_QUESTS = """
CREATE OR REPLACE TEMP TABLE quest_labels AS
WITH known AS (
    SELECT quest FROM cells UNION SELECT quest FROM quest_outcome_totals
    UNION SELECT quest FROM allocations UNION SELECT quest FROM budgets UNION SELECT quest FROM names
), shown AS (
    FROM known UNION ALL
    SELECT DISTINCT quest FROM quest_layers SEMI JOIN (SELECT quest FROM quests ANTI JOIN known USING (quest)) USING (quest)
), named AS (
    SELECT quest, quest_id, nullif(name, '') AS name, nullif(layer, '') AS layer
      FROM shown JOIN quests USING (quest) LEFT JOIN names USING (quest)
), judged AS (
    SELECT quest, arg_max(layer, latest) AS latest_layer
      FROM quest_layers WHERE quest IN (SELECT quest FROM named WHERE layer IS NULL) GROUP BY quest
)
SELECT quest, quest_id, coalesce(name, nullif(clean(quest_id), ''), 'unknown') AS name,
       coalesce(layer, nullif(latest_layer, ''), 'unknown') AS layer
  FROM named LEFT JOIN judged USING (quest)
"""
# A family is a choice of the operator; what is to be bounded are the names that a ledger brings.
_PROVIDERS = """
CREATE OR REPLACE TEMP TABLE provider_labels AS
SELECT family,
       CASE WHEN row_number() OVER (PARTITION BY matched ORDER BY sum(usd) DESC, family)
              <= CASE WHEN matched THEN $most_families ELSE $most END THEN family ELSE 'other' END AS provider
  FROM cells JOIN (SELECT model_key, family, list_contains($families, family) AS matched FROM models) USING (model_key)
 GROUP BY family, matched
"""
_MODELS = """
CREATE OR REPLACE TEMP TABLE model_labels AS
WITH named AS (
    SELECT model_key, provider_labels.provider, coalesce(nullif(model, ''), 'unknown') AS model
      FROM models JOIN provider_labels USING (family)
), ranked AS (
    SELECT provider, model, row_number() OVER (PARTITION BY provider ORDER BY sum(usd) DESC, model) AS rank
      FROM cells JOIN named USING (model_key) GROUP BY provider, model
)
SELECT model_key, provider, CASE WHEN rank <= $most THEN model ELSE 'other' END AS model
  FROM named JOIN ranked USING (provider, model)
"""
_FOLDED_LABEL_SETS = """
SELECT count(DISTINCT (quest, family, models.model)) - count(DISTINCT (quest, model_labels.provider, model_labels.model))
  FROM cells JOIN models USING (model_key) JOIN model_labels USING (model_key)
"""
# A name that is folded alone costs no series, and comes back all the same when more is spent on it.
_RENAMED = """
SELECT EXISTS (FROM provider_labels WHERE provider <> family)
    OR EXISTS (FROM model_labels JOIN models USING (model_key)
                WHERE model_labels.model <> coalesce(nullif(models.model, ''), 'unknown'))
"""
_KINDS = """
SELECT count(DISTINCT provider), count(DISTINCT provider) FILTER (provider <> 'unknown') + 1, count(DISTINCT (provider, model))
  FROM model_labels
"""
# Where labels are folded, one quest or model stands for all with the same label: no more are kept than there are series.
_ONE_OF_EACH = """
CREATE OR REPLACE TEMP TABLE quest_groups AS
SELECT quest, min(quest) OVER (PARTITION BY quest_id, name, layer) AS first FROM quest_labels;
CREATE OR REPLACE TEMP TABLE model_groups AS
SELECT model_key, min(model_key) OVER (PARTITION BY provider, model) AS first FROM model_labels;
"""
_QUEST_LABELS = "FROM quest_labels {where}"
_MODEL_LABELS = "SELECT model_key, provider, model FROM model_labels {where}"
_FIRST_CELLS = """
SELECT DISTINCT q.first, m.first
  FROM cells JOIN quest_groups AS q USING (quest) JOIN model_groups AS m USING (model_key)
"""
_FIRST_QUESTS = "WHERE quest IN (SELECT first FROM quest_groups)"
_FIRST_MODELS = "WHERE model_key IN (SELECT first FROM model_groups)"


def prepare(context: ReportContext, metrics: Iterable[Metric]) -> Labels:
    """Make ``quest_labels``, ``provider_labels`` and ``model_labels``, so that the metrics keep within their limit."""
    tariff = Tariff(context, metrics)
    context.rows(_CELLS)
    context.rows(_QUESTS)
    kinds = _label_models(context, tariff)
    label_sets: int = context.rows(_FOLDED_LABEL_SETS)[0][0]
    room = fold_quests(context, tariff, kinds)
    folding = bool(room.folded or context.rows(_RENAMED)[0][0])
    if folding:
        context.rows(_ONE_OF_EACH)
    cells = context.rows(_FIRST_CELLS if folding else "SELECT quest, model_key FROM cells")
    providers = "SELECT DISTINCT provider, provider FROM provider_labels" if folding else "FROM provider_labels"
    return Labels(
        {row[0]: row[1:] for row in context.rows(_QUEST_LABELS.format(where=_FIRST_QUESTS if folding else ""))},
        {row[0]: row[1:] for row in context.rows(_MODEL_LABELS.format(where=_FIRST_MODELS if folding else ""))},
        dict(context.rows(providers)),
        folded=label_sets * tariff.cell + room.folded,
        folding=folding,
        ranked=ranked(context),
        quest_top=room.quest_top,
        called=called(cells),
        cells=range(len(cells) - room.fewer_cells, len(cells) + room.more_cells + 1),
        # Calls that tell no quest say nothing of the spend of any.
        attributed="costs" not in context.config.ledgers or context.maps("costs", "quest_id"),
    )


def _label_models(context: ReportContext, tariff: Tariff) -> Kinds:
    """Fold models and providers beyond their own limits, and further where all quests in one would still be too many series."""
    families, tasks = [family.name for family in context.config.providers], ranked(context)
    for most_models, most_providers, most_families in _tighter(context):
        context.rows(_PROVIDERS, families=families, most=most_providers, most_families=most_families)
        context.rows(_MODELS, most=most_models)
        kinds = Kinds(*context.rows(_KINDS)[0])
        if tariff.shared(kinds, tasks) + tariff.all_in_one(kinds) <= context.config.limits.max_series:
            break
    return kinds


def _tighter(context: ReportContext) -> Iterator[tuple[int, int, int]]:
    """How many models of a provider, other providers, and families keep their names: as configured, then ever fewer."""
    limits = context.config.limits
    most = [limits.models_per_provider, limits.max_providers, len(context.config.providers)]
    yield most[0], most[1], most[2]
    for kind in range(len(most)):
        while most[kind] > 1:
            most[kind] //= 2
            yield most[0], most[1], most[2]
