"""The plan of one day of the simulated fleet: the calls and impacts of its tasks.

It is a pure function of the seed and the date.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import NamedTuple

from exporter.demo.catalogue import QUESTS, TITLES, TOPICS, Mix, Quest, Route

LONGEST = timedelta(days=2)
"""The longest time between the end of the day on which a task starts and the last change of its impact."""
LONGEST_GAP = 25.0
BUSY = 1.5
"""On one or two weekdays of each week the whole fleet starts so many times its usual number of tasks."""
MILLION = 1_000_000
MICRO_USD = Decimal("0.000001")


class Call(NamedTuple):
    """A row of ``cost_ledger``, without its id."""

    created_at: datetime
    task_id: str | None
    quest_id: str
    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None


class Impact(NamedTuple):
    """A row of ``impact_ledger``, without its id, as of ``updated_at``."""

    created_at: datetime
    updated_at: datetime
    task_id: str
    quest_id: str
    layer: str
    task_title: str
    total_tokens: int
    cost_usd: Decimal
    impact_score: Decimal | None


class Plan(NamedTuple):
    """The calls of the tasks that start on one day, and the successive versions of their impacts."""

    calls: list[Call]
    impacts: list[Impact]


def midnight(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime.combine(day, time.min, UTC)


@lru_cache(maxsize=4)  # live operation asks for the same few days every second
def plan(seed: int, day: date, age: int) -> Plan:
    """The plan of a day. ``age`` is its number since the start of the fleet, from 0."""
    rng = Random(f"{seed}/{day}")  # noqa: S311 - a simulation
    planned = Plan([], [])
    pace = BUSY if day.weekday() in _busy_weekdays(seed, day) else 1
    for quest in QUESTS:
        for number in range(round(pace * _tasks(rng, quest, day, age))):
            calls = _calls(rng, quest, day, f"{quest.id}-{day:%y%m%d}-{number:02}")
            planned.calls.extend(calls)
            planned.impacts.extend(_impacts(rng, quest, calls))
    if rng.random() < 0.6:
        planned.calls.append(_credit(rng, day, rng.choice(planned.calls)))
    return planned


def _busy_weekdays(seed: int, day: date) -> list[int]:
    rng = Random(f"{seed}/{day:%G-%V}/busy")  # noqa: S311 - a simulation
    return rng.sample(range(5), rng.choice((1, 2)))


def _tasks(rng: Random, quest: Quest, day: date, age: int) -> float:
    if quest.stops_after is not None and age >= quest.stops_after:
        return 0
    weekday, weekend = quest.tasks
    rhythm = quest.rhythm[day.toordinal() % len(quest.rhythm)]
    return (weekday if day.weekday() < 5 else weekend) * rhythm * rng.uniform(0.85, 1.15)


def _calls(rng: Random, quest: Quest, day: date, task_id: str) -> list[Call]:
    [hour] = rng.choices(range(24), quest.hours)
    moment = midnight(day) + timedelta(hours=hour, minutes=quest.within * rng.random())
    usual = _route(rng, quest.mix)
    size = rng.lognormvariate(0, 0.4)
    calls = []
    for _ in range(rng.randint(5, 15)):
        route = usual if rng.random() < 0.85 else _route(rng, quest.mix)
        tokens = int(32_000 * size * rng.lognormvariate(0, 0.4)), int(2_100 * size * rng.lognormvariate(0, 0.5))
        cost = None if rng.random() < 0.001 else _cost(route, *tokens)
        calls.append(Call(moment, task_id, quest.id, route.provider, route.model, *tokens, cost))
        moment += timedelta(minutes=min(rng.expovariate(1 / quest.gap), LONGEST_GAP))
    return calls


def _route(rng: Random, mix: Mix) -> Route:
    return rng.choices(list(mix), list(mix.values()))[0]


def _cost(route: Route, input_tokens: int, output_tokens: int) -> Decimal:
    return ((input_tokens * route.input_usd + output_tokens * route.output_usd) / MILLION).quantize(MICRO_USD)


def _impacts(rng: Random, quest: Quest, calls: list[Call]) -> list[Impact]:
    """The versions of a task's impact: mostly one with a score; for some the score comes hours later, or never."""
    judged = calls[-1].created_at + timedelta(minutes=rng.uniform(5, 40))
    title = rng.choice(TITLES[quest.id]).format(rng.choice(TOPICS))
    tokens = sum(call.input_tokens + call.output_tokens for call in calls)
    cost = sum((call.cost_usd for call in calls if call.cost_usd is not None), Decimal(0))
    scored = Impact(judged, judged, str(calls[0].task_id), quest.id, quest.layer, title, tokens, cost, _score(rng, quest))
    fate = rng.random()
    if fate > 0.04:
        return [scored]
    unscored = scored._replace(impact_score=None)
    late = scored._replace(updated_at=judged + timedelta(hours=rng.uniform(1, 12)))
    return [unscored] if fate < 0.01 else [unscored, late]


def _score(rng: Random, quest: Quest) -> Decimal:
    failed = rng.random() < 0.05
    score = rng.uniform(0, 0.5) if failed else min(max(rng.gauss(quest.impact, 1.8), 0.6), 10)
    return Decimal(round(score * 10)).scaleb(-1)


def _credit(rng: Random, day: date, call: Call) -> Call:
    """A credit of some cents from the provider of this call. A credit names no task."""
    moment = midnight(day) + timedelta(hours=24 * rng.random())
    amount = Decimal(rng.randint(5, 60)).scaleb(-2)
    return call._replace(created_at=moment, task_id=None, input_tokens=0, output_tokens=0, cost_usd=-amount)
