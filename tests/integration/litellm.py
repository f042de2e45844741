"""A LiteLLM database as strangers have it, and what plain SQL and plain dates say of it."""

import io
from calendar import monthrange
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from exporter import check
from exporter.config import Config
from tests.conftest import ROOT
from tests.integration.books import Books, Budget, Selects, read
from tests.integration.model import report
from tests.integration.page import Labels
from tests.integration.rules import UTC as UTC_ZONE
from tests.integration.rules import Settings
from tests.integration.running import Clock, Exporter, Samples, configure, differences

SCHEMA = ROOT / "exporter/demo/litellm.sql"
ROWS = Path(__file__).with_name("litellm.sql")
LEDGERS = ("budgets", "costs", "quests")
# Of teams only, and written from the definitions: an empty text is no team, a request without a session is its own task.
SELECTS = Selects(
    costs="""SELECT request_id AS entry_id, "startTime" AT TIME ZONE 'UTC' AS occurred_at, custom_llm_provider AS provider,
        spend::text::numeric AS cost_usd, CASE WHEN team_id <> '' THEN team_id END AS quest_id, model,
        CASE WHEN session_id <> '' THEN session_id ELSE request_id END AS task_id,
        prompt_tokens AS input_tokens, completion_tokens AS output_tokens FROM "LiteLLM_SpendLogs" """,
    quests="""SELECT team_id AS quest_id, team_alias AS quest, (SELECT organization_alias FROM "LiteLLM_OrganizationTable" AS o
            WHERE o.organization_id = t.organization_id) AS layer FROM "LiteLLM_TeamTable" AS t
        UNION SELECT team_id, team_alias, (SELECT organization_alias FROM "LiteLLM_OrganizationTable" AS o
            WHERE o.organization_id = d.organization_id) FROM "LiteLLM_DeletedTeamTable" AS d
        WHERE team_id NOT IN (SELECT team_id FROM "LiteLLM_TeamTable")""",
)
# As the partition script of the proxy leaves it.
LEGACY = """
ALTER TABLE "LiteLLM_SpendLogs" RENAME TO "LiteLLM_SpendLogs_legacy";
CREATE TABLE "LiteLLM_SpendLogs" (LIKE "LiteLLM_SpendLogs_legacy" INCLUDING DEFAULTS, PRIMARY KEY (request_id, "startTime"))
    PARTITION BY RANGE ("startTime");
CREATE TABLE "LiteLLM_SpendLogs_p1" PARTITION OF "LiteLLM_SpendLogs"
    FOR VALUES FROM (MINVALUE) TO ('{0}'::timestamp - interval '10 days');
CREATE TABLE "LiteLLM_SpendLogs_p2" PARTITION OF "LiteLLM_SpendLogs"
    FOR VALUES FROM ('{0}'::timestamp - interval '10 days') TO (MAXVALUE);
INSERT INTO "LiteLLM_SpendLogs" SELECT * FROM "LiteLLM_SpendLogs_legacy"
 WHERE "startTime" > '{0}'::timestamp - interval '20 days';
"""
# The time of today, because the query of budgets asks PostgreSQL which day it is.
NOW = datetime.now(UTC).replace(second=20, microsecond=0)
UNTIL_RESET = timedelta(days=5)
"""When the budgets of 14 and 45 days are reset next."""


def fill(conninfo: str, now: datetime, zone: ZoneInfo = UTC_ZONE) -> str:
    """Make the tables with their rows up to now, of a proxy in this time zone. Returns the connection string."""
    reset = midnight(now.astimezone(zone).date() + UNTIL_RESET, zone).replace(tzinfo=None)
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT set_config('test.now', %s, false)", [now.replace(tzinfo=None).isoformat()])
        connection.execute(SCHEMA.read_bytes())
        connection.execute(ROWS.read_bytes())
        renew = """UPDATE "LiteLLM_TeamTable" SET budget_reset_at = %s WHERE team_id IN ('t-2w', 't-45d')"""
        connection.execute(renew, [reset])
    return conninfo


def execute(conninfo: str, statement: str) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(statement.encode())


def call(name: str, usd: float, start: datetime, end: datetime, team: str = "t-30d") -> str:
    """A row of the log, written at its end."""
    return f"""INSERT INTO "LiteLLM_SpendLogs"
        (request_id, call_type, spend, prompt_tokens, "startTime", "endTime", team_id, session_id)
        VALUES ('{name}', 'acompletion', {usd}, 7, '{start}', '{end}', '{team}', gen_random_uuid()::text)"""


def rows(conninfo: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(query.encode()).fetchall()


def teams(conninfo: str, state: Path, **keys: Any) -> Config:
    """What a stranger writes: the profile, and the database of each ledger."""
    return configure(conninfo, state, profile="litellm", ledgers={name: {"database": "main"} for name in LEDGERS}, **keys)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def month(today: date) -> tuple[date, date]:
    return today.replace(day=1), today.replace(day=monthrange(today.year, today.month)[1])


def week(today: date) -> tuple[date, date]:
    monday = today - timedelta(days=today.weekday())
    return monday, monday + timedelta(days=6)


def every(days: int, today: date, reset: date) -> tuple[date, date]:
    """The days before a reset, or between the resets that went by after it."""
    while reset <= today:
        reset += timedelta(days=days)
    while reset - timedelta(days=days) > today:
        reset -= timedelta(days=days)
    return reset - timedelta(days=days), reset - timedelta(days=1)


def budgets(today: date, filled_on: date) -> dict[str, tuple[str, tuple[date, date | None]]]:
    """What each team may spend, and in which days around today, if the database was filled on a day."""
    reset = filled_on + UNTIL_RESET
    return {
        "t-30d": ("100", month(today)),
        "t-1mo": ("55.5", month(today)),
        "t-7d": ("25", week(today)),
        "t-weekly": ("40", week(today)),
        "t-1d": ("3", (today, today)),
        "t-24h": ("4", (today, today)),
        "t-2w": ("30", every(14, today, reset)),
        "t-45d": ("60", every(45, today, reset)),
        "t-90d": ("70", every(90, today, date(2024, 1, 17))),
        "t-zero": ("0", month(today)),
        "t-None": ("200", (date(2025, 3, 6), None)),
        "t-open": ("500", (date(2025, 3, 6), None)),
        "t-undated": ("80", (date(1999, 12, 31), None)),
    }


def books(conninfo: str, today: date, filled_on: date | None = None) -> Books:
    """All rows, for the naive model."""
    held = budgets(today, filled_on or today).items()
    return replace(read(conninfo, SELECTS), budgets=[Budget(team, Decimal(usd), *days) for team, (usd, days) in held])


def wrong(exporter: Exporter, proxy: str, clock: Clock, zone: str = "UTC") -> list[str]:
    """What differs from the naive model, but for the shares of budgets in a day."""
    settings = Settings(zone=ZoneInfo(zone))
    page = report(books(proxy, *(at.astimezone(settings.zone).date() for at in (clock.now, NOW))), settings, clock.now)
    served = exporter.samples()
    for name in ("resource_quest_allocation_usd", "resource_day_allocation_usd", "resource_report_info"):
        served.pop(name)
        page.samples.pop(name, None)
    return differences(served, page)


def by(samples: Samples, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The sums of a metric by some of its labels."""
    found: dict[tuple[str, ...], float] = {}
    for key, value in samples[name].items():
        values = tuple(dict(key)[label] for label in labels)
        found[values] = found.get(values, 0) + value
    return found


def label(key: Labels, name: str) -> str:
    return dict(key)[name]


async def checked(config: Config) -> str:
    """What ``check`` prints, if it finds anything."""
    output = io.StringIO()
    code = await check.run(config, output)
    return output.getvalue() if code or "warning" in output.getvalue() else ""


async def served(exporter: Exporter, clock: Clock) -> None:
    """Two refreshes, of which the second finds nothing to do."""
    await exporter.refresh()
    read_before = exporter.own("ledger_rows_read_total", ledger="costs")
    clock.now += timedelta(seconds=15)
    await exporter.refresh()
    assert exporter.own("ledger_rows_read_total", ledger="costs") == read_before
