"""Random ledgers of the scidex schema with many edge cases: ties, gaps, hostile text, NaN and infinite amounts and times."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

# An example takes most of a second in PostgreSQL, so shrinking can take minutes and must be enabled manually.
FEW = settings(max_examples=10, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))

Rows = list[dict[str, Any]]

HOSTILE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
LONG = st.just("long " * 20)
QUESTS = (
    st.sampled_from(["q1", "q2", "q3", "Q1", "unassigned", 'q"4\\', "a\r\nb", "x" * 128, "x" * 129, "é" * 200, None, ""])
    | HOSTILE
)
LAYERS = st.sampled_from(["Agora", "Atlas", "", None, "unknown"])
TITLES = st.sampled_from(["Title", "", None, "tab\tnew\nline"]) | HOSTILE | LONG
TASKS = st.sampled_from(["t1", "t2", "t3", "t4", "T1", "é"])
PROVIDERS = st.sampled_from(
    ["MiniMax", "max", "maximum", "openai", "OpenAI", "aws-bedrock", "z.ai", "chatglm", "", None, "other", "unknown"]
)
MODELS = st.sampled_from(["glm-4", "codex-mini", "m1", "m2", "m\x01", "m\x7f1", "", None, "claude.bedrock"]) | HOSTILE | LONG
ODD = st.sampled_from([Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")])
MONEY = st.sampled_from([Decimal(0), Decimal("0.10"), Decimal(1)]) | st.decimals(
    Decimal(-1000), Decimal(1000), places=6, allow_nan=False, allow_infinity=False
)
AMOUNTS = st.one_of(MONEY, MONEY, MONEY, st.none(), ODD)
SCORES = st.one_of(st.none(), st.sampled_from([Decimal(0), Decimal("0.5"), Decimal("0.500001"), Decimal(-1)]), MONEY, ODD)
TOKENS = st.sampled_from([0, 1, 500, 1000, 1001, 70_000, None])


def moments(now: datetime, days: int = 45) -> st.SearchStrategy[datetime]:
    """Instants around now, many of them close to a full hour or midnight, and a few in the future."""
    back = st.integers(-40, 24 * days).map(lambda hours: timedelta(hours=hours))
    within = st.sampled_from([timedelta(0), timedelta(microseconds=1), timedelta(minutes=17), timedelta(microseconds=-1)])
    hour = now.replace(minute=0, second=0, microsecond=0)
    return st.builds(lambda far, near: hour - far + near, back, within)


def instants(now: datetime, days: int = 45) -> st.SearchStrategy[datetime | str | None]:
    """Moments, NULL and infinite times."""
    usual = moments(now, days)
    return st.one_of(usual, usual, usual, usual, st.sampled_from(["infinity", "-infinity", None]))


def costs(now: datetime, days: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "created_at": instants(now, days), "task_id": TASKS | st.sampled_from([None, ""]), "quest_id": QUESTS,
            "provider": PROVIDERS, "model": MODELS, "input_tokens": TOKENS, "output_tokens": TOKENS, "cost_usd": AMOUNTS,
        }
    )  # fmt: skip


def impacts(now: datetime, days: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "created_at": instants(now, days), "updated_at": moments(now, 2), "task_id": TASKS, "quest_id": QUESTS,
            "layer": LAYERS, "task_title": TITLES, "total_tokens": TOKENS.filter(lambda tokens: tokens is not None),
            "cost_usd": MONEY | ODD, "impact_score": SCORES,
        }
    )  # fmt: skip


def allocations(now: datetime, days: int) -> st.SearchStrategy[dict[str, Any]]:
    dates = moments(now, days).map(lambda moment: moment.date())
    today = st.sampled_from([now.date(), now.date() - timedelta(days=1), "infinity"])
    return st.fixed_dictionaries(
        {"quest_id": QUESTS, "day": dates | today, "allocated_usd": MONEY | ODD, "spent_usd": MONEY | ODD}
    )


def quests() -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(["Same name", "", "unassigned"]) | HOSTILE | LONG
    ids = QUESTS.map(lambda quest: quest or "q1")
    return st.fixed_dictionaries({"id": ids, "name": names, "layer": LAYERS.map(lambda layer: layer or "")})


@dataclass
class Ledgers:
    """Rows for the tables of the scidex schema."""

    quests: Rows = field(default_factory=list)
    quest_budget_allocations: Rows = field(default_factory=list)
    cost_ledger: Rows = field(default_factory=list)
    impact_ledger: Rows = field(default_factory=list)

    def write(self, conninfo: str) -> None:
        """Insert the rows, except those whose key exists."""
        with psycopg.connect(conninfo) as connection:
            for table, rows in vars(self).items():
                insert(connection, table, rows)

    def told(self, now: datetime) -> "Ledgers":
        """The same rows as new ones: outcomes were updated now, and allocations are on the timeline."""
        outcomes = [row | {"updated_at": now} for row in self.impact_ledger]
        first = now.date() - timedelta(days=29)
        recent = [row for row in self.quest_budget_allocations if row["day"] == "infinity" or row["day"] >= first]
        return Ledgers(self.quests, recent, self.cost_ledger, outcomes)

    def renumbered(self) -> "Ledgers":
        """The same rows with ids of calls and outcomes below all others."""
        calls = [row | {"id": -1 - number} for number, row in enumerate(self.cost_ledger)]
        outcomes = [row | {"id": -1 - number} for number, row in enumerate(self.impact_ledger)]
        return Ledgers(self.quests, self.quest_budget_allocations, calls, outcomes)


def insert(connection: psycopg.Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, except those whose key exists."""
    if rows:
        names, values = ", ".join(rows[0]), ", ".join(f"%({name})s" for name in rows[0])
        statement = f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING"
        connection.cursor().executemany(statement, rows)


def ledgers(now: datetime, most: int = 25, days: int = 45) -> st.SearchStrategy[Ledgers]:
    """Random ledgers as of a moment, over this many days."""
    return st.builds(
        Ledgers,
        st.lists(quests(), max_size=4),
        st.lists(allocations(now, days), max_size=10),
        st.lists(costs(now, days), max_size=most),
        st.lists(impacts(now, days), max_size=most),
    )
