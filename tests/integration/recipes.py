"""The rows of the tables of docs/recipes.md, and what plain SQL says of each recipe.

Row number n is n * 401 minutes old. ``{now}`` is the moment of the report, ``{rows}`` the numbers of the rows to add.
"""

from collections.abc import Mapping
from dataclasses import dataclass

AT = "(timestamptz '{now}' - n * interval '401 minutes')"
VENDOR = "(ARRAY['openai', 'acme'])[1 + n % 2]"
FAMILY = "CASE vendor WHEN 'openai' THEN 'OpenAI' ELSE vendor END"
WINDOWS = "(VALUES ('1d', 1), ('7d', 7), ('30d', 30), ('lifetime', 9999)) AS windows (time_window, days)"
DAY = "date_trunc('day', timestamptz '{now}', 'UTC')"
Sums = Mapping[tuple[str, ...], str]
"""By metric and labels, the query of their values and the sample."""


@dataclass(frozen=True)
class Recipe:
    """``rows`` fills the tables, ``expected`` has the query of each metric with some of its labels."""

    rows: str
    expected: Sums


def windowed(rows: str, value: str = "sum(usd)") -> str:
    """Of rows of ``key, at, …``: a value in each window, 0 where nothing happened."""
    inside = f"at >= {DAY} - (days - 1) * interval '1 day'"
    return (
        f"SELECT key, time_window, coalesce({value} FILTER (WHERE {inside}), 0)::float8"
        f" FROM ({rows}) AS entries (key, at, usd) CROSS JOIN {WINDOWS} GROUP BY 1, 2"
    )


def spent(rows: str) -> Sums:
    """What quests spend, by rows of ``quest_id, at, usd``."""
    return {("resource_quest_spend_usd", "quest_id", "window"): windowed(rows)}


def inserted(table: str, columns: str, values: str) -> str:
    """The statement that adds rows."""
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM generate_series({{rows}}) AS n ORDER BY n DESC;"


CALLS = inserted(
    "calls",
    "created_at, vendor, model, project, trace_id, prompt_tokens, completion_tokens, usd",
    f"{AT}, {VENDOR}, 'm' || n % 3, (n % 4)::text, 't' || n % 40, 10 * n, n, n * 0.0137",
)
FEES = inserted("fees", "created_at, vendor, team, cents", f"{AT}, {VENDOR}, 'q' || n % 3, n * 7 - 100")
LOCAL = inserted(
    "local_fees", "id, created_at, vendor, team, usd", f"1000 - n, {AT} AT TIME ZONE 'Europe/Berlin', {VENDOR}, 'q' || n % 3, n"
)
INVOICES = inserted("invoices", "created_at, vendor, team, eur", f"{AT}, {VENDOR}, 'q' || n % 3, n * 1.5")
RATES = f"""
INSERT INTO rates SELECT ({DAY} - n * interval '3 days')::date, 1 + n * 0.01 FROM generate_series(0, 20) AS n
    ON CONFLICT (day) DO NOTHING;
"""
REQUESTS = inserted("requests", "created_at, vendor, team, usd", f"{AT}, {VENDOR}, 'q' || n % 3, n * 0.5")
PROJECTS = """
INSERT INTO projects VALUES ('0', 'Nought', 100), ('1', 'One', 31.5), ('2', 'Two', NULL) ON CONFLICT (id) DO NOTHING;
"""
PULLS = inserted(
    "pull_requests",
    "id, trace_id, title, merged, closed_at",
    f"1000 - n, 't' || n % 30, 'Pull ' || n, n % 3 = 0, CASE WHEN n % 7 > 0 THEN {AT} END",
)
FEEDBACK = inserted("feedback", "created_at, trace_id, stars", f"{AT}, 't' || n % 35, n % 5")
REGIONS = "".join(
    inserted(f"{region}.calls", "id, created_at, vendor, project, usd", f"1000 - n, {AT}, {VENDOR}, 'q' || n % 3, n * {factor}")
    for region, factor in (("eu", 2), ("us", 0.3))
)
CHARGES = inserted("charges", "id, charged_at, service, amount", f"1000 - n, {AT}, {VENDOR}, n * 0.25")
USAGE = f"""
INSERT INTO usage_days SELECT ({AT} AT TIME ZONE 'UTC')::date, 'q' || n % 3, {VENDOR}, 'm', 1, 5, 3, n * 0.25
  FROM generate_series({{rows}}) AS n
    ON CONFLICT (day, project, vendor, model)
    DO UPDATE SET requests = usage_days.requests + 1, usd = usage_days.usd + excluded.usd;
"""
PURGED = f"""
CREATE TABLE IF NOT EXISTS everything (LIKE calls);
{CALLS}
INSERT INTO everything SELECT * FROM calls WHERE id NOT IN (SELECT id FROM everything);
INSERT INTO call_days (day, vendor, model, project, requests, prompt_tokens, completion_tokens, usd)
SELECT created_at::date, vendor, model, project, count(*), sum(prompt_tokens), sum(completion_tokens), sum(usd) FROM calls
 WHERE created_at < {DAY} AND created_at::date NOT IN (SELECT day FROM call_days) GROUP BY 1, 2, 3, 4;
DELETE FROM calls WHERE created_at < timestamptz '{{now}}' - interval '20 days' + {{late}} * interval '30 hours';
"""
TEAMS = """
INSERT INTO departments VALUES (1, 'Research') ON CONFLICT (id) DO NOTHING;
INSERT INTO teams VALUES (0, 'Search', 1), (1, 'Ads', NULL), (3, 'Maps', 1) ON CONFLICT (id) DO NOTHING;
"""
BY_PROJECT = "SELECT project, created_at, usd FROM calls"
MONTH = "date_trunc('month', timestamptz '{now}', 'UTC')"
BUDGETS: Sums = {
    ("resource_quest_budget_usd", "quest_id", "quest", "period"): (
        "SELECT id, name, 'month', monthly_usd::float8 FROM projects WHERE monthly_usd IS NOT NULL"
    ),
    ("resource_quest_budget_spend_usd", "quest_id", "period"): (
        f"SELECT projects.id, 'month', coalesce(sum(usd) FILTER (WHERE created_at >= {MONTH}), 0)::float8 FROM projects"
        " LEFT JOIN calls ON project = projects.id WHERE monthly_usd IS NOT NULL GROUP BY 1"
    ),
    ("resource_quest_budget_end_timestamp_seconds", "quest_id"): (
        f"SELECT id, extract(epoch FROM ({MONTH} AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC')::float8"
        " FROM projects WHERE monthly_usd IS NOT NULL"
    ),
    ("resource_quest_allocation_usd", "quest_id"): (
        "SELECT id, (monthly_usd / extract(day FROM ("
        f"{MONTH} AT TIME ZONE 'UTC' + interval '1 month - 1 day')))::float8 FROM projects WHERE monthly_usd IS NOT NULL"
    ),
}


def judged(rows: str) -> Sums:
    """The impact of tasks and what they cost, by rows of ``task, at, score``: their cost is that of all their calls."""
    tasks = f"""
SELECT project, time_window, sum(score), sum(cost)
  FROM (SELECT task, time_window, sum(score) AS score FROM ({rows}) AS entries (task, at, score) CROSS JOIN {WINDOWS}
         WHERE at >= {DAY} - (days - 1) * interval '1 day' GROUP BY 1, 2) AS scored
  JOIN (SELECT trace_id, project, sum(usd) AS cost FROM calls GROUP BY 1, 2) AS called ON trace_id = task GROUP BY 1, 2
"""
    complete = f"""
SELECT project, windows.time_window, coalesce({{column}}, 0)::float8
  FROM (SELECT DISTINCT project FROM calls
         WHERE trace_id IN (SELECT task FROM ({rows}) AS entries (task, at, score))) AS projects
 CROSS JOIN {WINDOWS} LEFT JOIN ({tasks}) AS found (project, time_window, score, cost) USING (project, time_window)
"""
    metrics = {"resource_quest_impact_score": "score", "resource_quest_impact_cost_usd": "cost"}
    return {(metric, "quest_id", "window"): complete.replace("{column}", column) for metric, column in metrics.items()}


WASTED = f"""
WITH scored AS (
    SELECT trace_id, time_window FROM feedback CROSS JOIN {WINDOWS} WHERE created_at >= {DAY} - (days - 1) * interval '1 day'
     GROUP BY 1, 2 HAVING sum(stars) <= 2
), wasted AS (
    SELECT project, time_window, trace_id FROM scored JOIN calls USING (trace_id)
     GROUP BY 1, 2, 3 HAVING sum(prompt_tokens + completion_tokens) > 1000
)
SELECT project, 'low_impact', time_window, count(trace_id)::float8
  FROM (SELECT DISTINCT project FROM wasted) AS projects CROSS JOIN {WINDOWS} LEFT JOIN wasted USING (project, time_window)
 GROUP BY 1, 3
"""
SUMS: Sums = {
    **spent(BY_PROJECT),
    ("resource_provider_calls", "provider", "window"): windowed(f"SELECT {FAMILY}, created_at, 1 FROM calls"),
    ("resource_tokens", "quest_id", "model", "token_type"): (
        "SELECT project, model, token_type, sum(tokens)::float8 FROM calls, LATERAL"
        " (VALUES ('input', prompt_tokens), ('output', completion_tokens)) AS both_types (token_type, tokens) GROUP BY 1, 2, 3"
    ),
}
TASKS: Sums = {
    ("resource_provider_tasks", "provider", "window"): windowed(
        f"SELECT {FAMILY}, created_at, substr(trace_id, 2)::int FROM calls", "count(DISTINCT usd)"
    )
}
NAMED = f"""
SELECT project, coalesce(teams.name, project), coalesce(departments.name, 'unknown'), time_window, usd
  FROM ({windowed(BY_PROJECT)}) AS sums (project, time_window, usd)
  LEFT JOIN teams ON teams.id::text = project LEFT JOIN departments ON departments.id = department_id
"""
DAYS: Sums = {
    **spent("SELECT project, day::timestamptz, usd FROM usage_days"),
    ("resource_provider_calls", "provider", "window"): windowed(f"SELECT {FAMILY}, day::timestamptz, requests FROM usage_days"),
}
BOTH = "SELECT project, created_at, usd FROM (TABLE eu.calls UNION ALL TABLE us.calls) AS both_regions"
RATED = (
    "SELECT DISTINCT ON (id) team, created_at, eur * usd_per_eur FROM invoices JOIN rates ON day <= created_at::date"
    " ORDER BY id, day DESC"
)
RECIPES: Mapping[str, Recipe] = {
    "A table of calls": Recipe(CALLS, {**SUMS, **TASKS}),
    "Cents": Recipe(FEES, spent("SELECT team, created_at, cents::numeric / 100 FROM fees")),
    "Local time": Recipe(LOCAL, spent("SELECT team, timezone('Europe/Berlin', created_at), usd FROM local_fees")),
    "Another currency at a fixed rate": Recipe(INVOICES, spent("SELECT team, created_at, eur * 1.08 FROM invoices")),
    "Another currency at a daily rate": Recipe(INVOICES + RATES, spent(RATED)),
    "Uuid ids": Recipe(REQUESTS, spent("SELECT team, created_at, usd FROM requests")),
    "Monthly budgets": Recipe(CALLS + PROJECTS, BUDGETS),
    "Merged pull requests as impact": Recipe(
        CALLS + PULLS, judged("SELECT trace_id, closed_at, merged::int FROM pull_requests WHERE closed_at IS NOT NULL")
    ),
    "Feedback as impact": Recipe(
        CALLS + FEEDBACK,
        {
            **judged("SELECT trace_id, created_at, stars FROM feedback"),
            ("resource_quest_wasted_tasks", "quest_id", "reason", "window"): WASTED,
        },
    ),
    "Several regions": Recipe(REGIONS, spent(BOTH)),
    "A table without tasks": Recipe(CHARGES, spent("SELECT 'unassigned', charged_at, amount FROM charges")),
    "Daily sums": Recipe(USAGE, DAYS),
    "A log with retention and its daily sums": Recipe(
        PURGED, {key: query.replace("FROM calls", "FROM everything") for key, query in SUMS.items()}
    ),
    "Names of teams from another table": Recipe(
        CALLS + TEAMS, {("resource_quest_spend_usd", "quest_id", "quest", "layer", "window"): NAMED}
    ),
}
