"""The fleet behind a LiteLLM proxy: its teams, organizations and budgets, and its calls as the proxy logs them.

The log has what real ones have: failures, cache hits, calls without a team or a session, and long calls that are logged late.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from exporter.demo.catalogue import QUESTS
from exporter.demo.fleet import Events, Fleet
from exporter.demo.ledgers import Connection, Tables, Written, copy
from exporter.demo.tasks import Call, Impact

HISTORY = timedelta(days=62)
OLD_VERSION = timedelta(days=12)
"""The first days of the history, in which the proxy did not note sessions and states."""
GONE = "trial-atlas"
"""The team that was deleted when its work had ended."""
SESSIONLESS = ("simulation-bench", "safety-review")
"""Teams whose clients send no session id, so that the proxy makes one for each request."""
PROVIDERS = {"max": "minimax", "openai-codex": "openai", "aws-bedrock": "bedrock_converse", "zhipu": "zai", "z.ai": "zai"}
"""The providers of the fleet that LiteLLM spells in another way."""
DURATIONS = {"30d": 30, "7d": 7, "1mo": 30, "1d": 1, "2w": 14, "45d": 45, "24h": 1}
IDLE = (("sandbox", "Sandbox", 0, "30d"), ("batch", "Batch\njobs", 5, "1h"), ("guests", "", 20, "None"))
"""Teams without calls: one that may spend nothing, one whose budget is hourly, one whose duration was written wrongly."""
ORGANIZATIONS = {quest.id: quest.layer.lower() for quest in QUESTS}
CUSTOMERS = ("acme", "globex", "initech", "", None)
TAGS = ('["prod"]', '["prod", "nightly"]', '["experiment"]', "[]", None)

SCORES = """
-- No table of LiteLLM: scores by trace id, as its users keep them.
CREATE TABLE scores (
    id bigserial PRIMARY KEY, judged_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, trace_id text NOT NULL,
    title text, score numeric
);
CREATE INDEX ON scores (judged_at);
CREATE INDEX ON scores (updated_at);
"""
RESCORE = """
UPDATE scores SET updated_at = %(updated_at)s, score = %(impact_score)s
 WHERE judged_at = %(created_at)s AND trace_id = %(task_id)s
"""
RESET = """
UPDATE "LiteLLM_TeamTable" SET spend = 0, budget_reset_at =
    budget_reset_at + CASE WHEN budget_duration IN ('30d', '1mo') THEN interval '1 month' ELSE budget_duration::interval END
 WHERE budget_reset_at <= %(after)s AND budget_duration <> 'None'
"""
SPEND = """UPDATE "LiteLLM_TeamTable" SET spend = spend + %s WHERE team_id = %s"""


class Log(NamedTuple):
    """A row of ``LiteLLM_SpendLogs``."""

    request_id: str
    call_type: str
    api_key: str
    spend: float
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    startTime: datetime  # noqa: N815 - as the column
    endTime: datetime  # noqa: N815
    model: str
    custom_llm_provider: str
    user: str
    metadata: str
    cache_hit: str
    request_tags: str | None
    team_id: str | None
    organization_id: str
    end_user: str | None
    session_id: str | None
    status: str | None


async def begin(connection: Connection, fleet: Fleet) -> None:
    """Write the organizations, teams and keys, and make the table of scores."""
    await connection.execute(SCORES)
    layers = sorted({quest.layer for quest in QUESTS})
    columns = ("organization_id", "organization_alias", "budget_id", "created_at")
    await copy(
        connection, "LiteLLM_BudgetTable", ("budget_id", "max_budget", "budget_duration"), [("organization", 4000, "30d")]
    )
    organizations = [(layer.lower(), layer, "organization", fleet.start) for layer in layers]
    await copy(connection, "LiteLLM_OrganizationTable", columns, organizations)
    held = ("team_id", "team_alias", "organization_id", "max_budget", "budget_duration", "budget_reset_at", "created_at")
    await copy(connection, "LiteLLM_TeamTable", held, [team for team in _teams(fleet) if team[0] != GONE])
    deleted = [("deleted-1", *team) for team in _teams(fleet) if team[0] == GONE]
    await copy(connection, "LiteLLM_DeletedTeamTable", ("id", *held), deleted)
    keys = [(_key(quest.id, number), f"{quest.id}-{number}", quest.id) for quest in QUESTS for number in range(3)]
    await copy(connection, "LiteLLM_VerificationToken", ("token", "key_alias", "team_id"), keys)


async def write(connection: Connection, fleet: Fleet, events: Events, after: datetime, _until: datetime) -> Written:
    """Log the calls, keep the spend of teams and the resets of their budgets, and note the scores."""
    logs = [_log(fleet, call) for call in events.calls if call.cost_usd is not None and call.cost_usd >= 0]
    await copy(connection, "LiteLLM_SpendLogs", Log._fields, logs)
    spent: dict[str, float] = defaultdict(float)
    for log in logs:
        spent[log.team_id or ""] += log.spend
    judged = [impact for impact in events.judged if _traced(fleet, impact)]
    rows = [(each.created_at, each.updated_at, each.task_id, each.task_title, each.impact_score) for each in judged]
    await copy(connection, "scores", ("judged_at", "updated_at", "trace_id", "title", "score"), rows)
    async with connection.cursor() as cursor:
        await cursor.execute(RESET, {"after": after.replace(tzinfo=None)})
        await cursor.executemany(SPEND, [(usd, team) for team, usd in spent.items() if team])
        await cursor.executemany(RESCORE, [impact._asdict() for impact in events.rescored])
    return Written(len(logs), len(judged))


LITELLM = Tables("litellm.sql", HISTORY, begin, write)


def _teams(fleet: Fleet) -> Iterator[tuple[Any, ...]]:
    """The quests of the fleet as teams, with budgets of all kinds of periods, and the idle ones."""
    created = fleet.start - timedelta(days=3)
    for quest, duration in zip(QUESTS, (*DURATIONS, *DURATIONS), strict=False):
        budget = quest.allocation and quest.allocation * DURATIONS[duration]
        reset = _reset(duration, fleet.start.date()) if budget else None
        yield quest.id, quest.name, quest.layer.lower(), budget, duration if budget else None, reset, created
    for team, alias, budget, duration in IDLE:
        yield team, alias, None, budget, duration, None, created


def _reset(duration: str, today: date) -> date:
    """The first reset after a day, at midnight, as the proxy plans it."""
    if duration in ("30d", "1mo"):
        return (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    if duration == "7d":
        return today + timedelta(days=7 - today.weekday())
    return today + timedelta(days=DURATIONS[duration])


def _log(fleet: Fleet, call: Call) -> Log:
    """The call as the proxy logs it at its end, with all that chance adds."""
    digest = hashlib.md5(f"{call.task_id} {call.created_at} {call.input_tokens}".encode(), usedforsecurity=False).hexdigest()
    chance = int(digest[:8], 16)
    failed = chance % 50 == 0
    cached = chance % 23 == 1 and not failed
    sent, received = (0, 0) if failed else (call.input_tokens, call.output_tokens)
    old = call.created_at < fleet.start + OLD_VERSION
    long = timedelta(minutes=20 + chance % 31) if chance % 400 == 7 else timedelta(seconds=2 + chance % 58)
    model = f"openrouter/{call.model}" if call.provider == "openrouter" else call.model
    return Log(
        request_id=f"{digest}_cache_hit{call.created_at.timestamp()}" if cached else f"chatcmpl-{digest}",
        call_type="acompletion",
        api_key=_key(call.quest_id, chance % 3),
        spend=0 if failed or cached else float(call.cost_usd or 0),
        prompt_tokens=sent,
        completion_tokens=received,
        total_tokens=sent + received,
        startTime=call.created_at if failed else call.created_at - long,
        endTime=call.created_at,
        model=model,
        custom_llm_provider=PROVIDERS.get(call.provider, call.provider),
        user=f"user-{chance % 7}",
        metadata='{"spend_logs_metadata": null}',
        cache_hit="True" if cached else "None" if failed else "False",
        request_tags=TAGS[chance % len(TAGS)],
        team_id=(None if old else "") if chance % 40 == 3 else call.quest_id,
        organization_id=ORGANIZATIONS[call.quest_id],
        end_user=CUSTOMERS[chance % len(CUSTOMERS)],
        session_id=None if old else str(UUID(digest)) if call.quest_id in SESSIONLESS else call.task_id,
        status=None if old else "failure" if failed else "success",
    )


def _traced(fleet: Fleet, impact: Impact) -> bool:
    """Whether the calls of a task are logged under its id."""
    return impact.quest_id not in SESSIONLESS and impact.created_at >= fleet.start + OLD_VERSION + timedelta(days=1)


@lru_cache(maxsize=100)
def _key(team: str, number: int) -> str:
    """The hash of a key, as the proxy stores it."""
    return hashlib.sha256(f"{team}-{number}".encode()).hexdigest()
