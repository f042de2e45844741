"""Spend: what was billed, by whom and to whom, and where today is heading."""

from datetime import timedelta
from decimal import Decimal

from exporter.calendar import HOUR
from exporter.metrics import QUEST, Family, Metric, Sample
from exporter.report.context import ReportContext, complete, samples
from exporter.requirements import COST_TOKENS, COSTS, REPORTED

SPEND = Metric(
    "resource_spend_usd",
    "USD billed over the lifetime of the cost ledger, less credits. It may be corrected downward: use delta(), not rate().",
    (*QUEST, "provider", "model"),
    (COSTS,),
)
CALLS = Metric(
    "resource_calls",
    "Billed calls over the lifetime of the cost ledger.",
    (*QUEST, "provider", "model"),
    (COSTS,),
)
TOKENS = Metric(
    "resource_tokens",
    "Tokens over the lifetime of the cost ledger, by direction (token_type is input or output).",
    (*QUEST, "provider", "model", "token_type"),
    (COST_TOKENS,),
)
QUEST_SPEND = Metric(
    "resource_quest_spend_usd",
    "USD spent by the quest in the window. Select one window, never sum over windows.",
    (*QUEST, "window"),
    (COSTS,),
    stand_in=REPORTED,
)
PROJECTED = Metric(
    "resource_quest_projected_spend_usd",
    "USD that the quest will have spent at the end of today, at the usual course of a day. Absent in the first half hour.",
    QUEST,
    (COSTS,),
    stand_in=REPORTED,
)
DAY_ELAPSED = Metric(
    "resource_budget_day_elapsed_ratio",
    "Share of today's budget day that has gone by, from 0 to 1, in the configured time zone.",
    (),
    (),
)
METRICS = (SPEND, CALLS, TOKENS, QUEST_SPEND, PROJECTED, DAY_ELAPSED)
TIMELESS = False


_CELLS = """
SELECT quest_id, name, layer, provider, model, sum(usd), sum(calls), sum(input_tokens), sum(output_tokens)
  FROM total_cost_parts JOIN quest_labels USING (quest) JOIN model_labels USING (model_key) GROUP BY ALL HAVING sum(calls) <> 0
"""
_QUESTS = """
SELECT quest_id, name, layer, time_window, sum(usd) FROM quest_windows JOIN quest_labels USING (quest) GROUP BY ALL
"""
# A credit is not what a day brings again and again, and what is spent stays spent.
_TODAY = """
SELECT quest_id, name, layer, sum(greatest(usd, usd / $share))
  FROM (SELECT quest, coalesce(sum(usd), 0) AS usd
          FROM spender_labels LEFT JOIN (FROM quest_days WHERE day = $today) AS days USING (quest) GROUP BY quest) AS spent
  JOIN quest_labels USING (quest) GROUP BY ALL
"""
_HOURS = "SELECT day, hour, positive_usd FROM recent_hours"
_FIRST_DAY = "SELECT day FROM first_cost_day"

LEAST_HISTORY = timedelta(days=7)
LEAST_SHARE = 0.02
TOO_EARLY = HOUR / 2


def collect(context: ReportContext) -> list[Family]:
    """Spend by quest and model over all time, by quest and window, and projected to the end of today."""
    cells = context.rows(_CELLS)
    tokens = {"input": 7, "output": 8}
    quests = context.rows("SELECT DISTINCT quest_id, name, layer FROM spender_labels")
    return [
        Family(SPEND, samples(row[:6] for row in cells)),
        Family(CALLS, samples((*row[:5], row[6]) for row in cells)),
        Family(TOKENS, [((*row[:5], kind), float(row[tokens[kind]])) for row in cells for kind in context.token_types]),
        Family(QUEST_SPEND, complete(samples(context.rows(_QUESTS)), context.windows, quests)),
        Family(PROJECTED, _projected(context)),
        Family(DAY_ELAPSED, [((), context.calendar.elapsed(context.now))]),
    ]


def _projected(context: ReportContext) -> list[Sample]:
    """Today's spend divided by the share of a day's spend that is usually reached by now."""
    if context.now - context.calendar.start(context.today) < TOO_EARLY:
        return []
    return samples(context.rows(_TODAY, today=context.today, share=_usual_share(context)))


def _usual_share(context: ReportContext) -> float:
    """From the 28 days before today, by the hour on the clock; the elapsed share of the day where that says too little."""
    elapsed = context.calendar.elapsed(context.now)
    first_day = context.rows(_FIRST_DAY)[0][0]
    if first_day is None or context.today - first_day < LEAST_HISTORY:
        return elapsed
    course = [Decimal(0)] * 24
    for day, hour, usd in context.rows(_HOURS):
        course[context.calendar.clock_hour(day, hour)] += usd
    clock = context.now.astimezone(context.config.timezone)
    part = Decimal(clock.minute * 60 + clock.second) / 3600
    reached = sum(course[: clock.hour]) + part * course[clock.hour]
    share = float(reached / sum(course)) if sum(course) > 0 else 0.0
    return share if share >= LEAST_SHARE else elapsed
