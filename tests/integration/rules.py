"""The rules of reading in the naive model: which rows count, on which day, and how quests, tasks and providers are named.

Where the written definitions are ambiguous, the simplest reading is used:

- An empty text, or one with control characters only, equals NULL: no quest, no task, no layer, no title, no model.
- Ids are shown unchanged, except for very long ones. The title of a task without one is its id as it is shown.
- Anything else without a name is ``unknown``.
- Layers and providers are text labels too. Control characters are those of the Unicode category Cc; they are removed.
- A row that is rejected counts as rejected from its day on, like all rows.
- All families are tried on the provider first, and then on the model; the general ones after all others.
- The cost, tokens or quest of a task that none of its outcomes tells are those of its calls; the quest is where most was spent.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import md5
from zoneinfo import ZoneInfo

from tests.integration.books import Allocation, Books, Budget, Call, Outcome, Quest

FAMILIES = (
    ("MiniMax", ("minimax", "^max$")),
    ("Codex", ("codex",)),
    ("Bedrock", ("bedrock",)),
    ("GLM", (r"\bglm", "zhipu", r"\bz\.?ai\b")),
)
GENERAL = (
    ("OpenRouter", ("openrouter",)),
    ("Azure", ("azure",)),
    ("Ollama", ("ollama",)),
    ("Groq", ("groq",)),
    ("Together", (r"\btogether",)),
    ("Fireworks", ("fireworks",)),
    ("Google", ("google", "gemini", "vertex")),
    ("Anthropic", ("anthropic", "claude")),
    ("OpenAI", ("openai", r"\bgpt-", r"\bchatgpt-", r"^o[1-9]\b")),
    ("Mistral", ("mistral", "mixtral", "codestral")),
    ("DeepSeek", ("deepseek",)),
    ("xAI", (r"\bxai\b", r"\bx-ai\b", r"\bgrok\b")),
    ("Meta", (r"\bmeta\b", r"\bmeta_llama", r"\bmeta-llama", r"\bllama")),
    ("Cohere", ("cohere", r"\bcommand-")),
)
UTC = ZoneInfo("UTC")
EVER = 10**6
"""More days than any ledger has."""
WINDOWS = {"1d": 1, "7d": 7, "30d": 30, "lifetime": EVER}
QUEST, TASK = ("quest_id", "quest", "layer"), ("task_id", "task", "quest_id", "quest", "layer")


@dataclass(frozen=True)
class Settings:
    """The part of the configuration that affects the values."""

    zone: ZoneInfo = UTC
    families: tuple[tuple[str, tuple[str, ...]], ...] = FAMILIES
    min_tokens: int = 1000
    max_impact: Decimal = Decimal("0.5")
    top: int = 15
    quest_top: int = 5
    timeline_days: int = 30
    windows: Mapping[str, int] = field(default_factory=lambda: WINDOWS)
    """The days of each window."""


def finite(amount: Decimal | None) -> bool:
    return amount is None or amount.is_finite()


def clean(text: str) -> str:
    """A name as it is shown: without control characters, and of more than 80 characters 70, a hash and an ellipsis."""
    name = "".join(character for character in text[:4096] if unicodedata.category(character) != "Cc")
    return name if len(name) <= 80 else f"{name[:70]}~{md5(name.encode()).hexdigest()[:8]}…"


def short(text: str) -> str:
    """An id as it is shown: one of more than 128 characters is cut to 119 and gets a hash, so that it stays unique."""
    return text if len(text) <= 128 else f"{text[:119]}~{md5(text.encode()).hexdigest()[:8]}"


class Reading:
    """The rows that count at a moment, and the names of their quests, tasks, providers and models."""

    def __init__(self, books: Books, settings: Settings, now: datetime) -> None:
        self.settings = settings
        self.now = now
        self.today = now.astimezone(settings.zone).date()
        self.books = books
        self.allocations = [row for row in books.allocations or () if self._counts(row)]
        self.calls = [row for row in books.costs or () if self._counts(row)]
        outcomes = [row for row in books.impacts or () if self._counts(row)]
        self.outcomes = sorted(outcomes, key=lambda row: (self.time(row), row.entry_id))
        self.latest = {row.task_id: row for row in self.outcomes}
        self._layers = {self.quest_id(row.quest_id): row.layer for row in self.outcomes}
        self._quests = {self.quest_id(row.quest_id): row for row in books.quests or ()}

    def rejected(self, ledger: str) -> int:
        """The number of rejected rows of a ledger, without rows of future days."""
        rows: Sequence[Allocation | Call | Outcome] = getattr(self.books, ledger) or ()
        return sum(not self._sound(row) and (not self._timed(row) or self.day(row) <= self.today) for row in rows)

    def rows(self) -> list[Allocation | Budget | Call | Outcome | Quest]:
        """All rows that count."""
        return [*self.allocations, *self.calls, *self.outcomes, *(self.books.quests or ()), *(self.books.budgets or ())]

    def time(self, row: Call | Outcome) -> datetime:
        """The local time of the row in the zone."""
        assert row.occurred_at is not None
        return row.occurred_at.astimezone(self.settings.zone)

    def day(self, row: Allocation | Call | Outcome) -> date:
        """The day of the row."""
        if isinstance(row, Allocation):
            assert row.day is not None
            return row.day
        return self.time(row).date()

    def inside(self, day: date, days: int) -> bool:
        """Whether the day is in the window of this many days that ends today."""
        return 0 <= (self.today - day).days < days

    def quest_id(self, value: str | None) -> str:
        return short(value) if value else "unassigned"

    def quest(self, value: str | None) -> tuple[str, str, str]:
        """The labels of a quest: its id, name and layer."""
        quest_id = self.quest_id(value)
        row = self._quests.get(quest_id)
        name, layer = (row.quest, row.layer) if row else (None, None)
        return (
            quest_id,
            clean(name or "") or clean(quest_id) or "unknown",
            clean(layer or "") or clean(self._layers.get(quest_id) or "") or "unknown",
        )

    def task(self, task_id: str) -> tuple[str, str, str, str, str]:
        """The labels of a task: its id and title, and its quest and layer."""
        row = self.latest[task_id]
        quest_id, quest, layer = self.quest_of(task_id)
        title = clean(row.task or "") or clean(short(task_id)) or "unknown"
        return short(task_id), title, quest_id, quest, clean(row.layer or "") or layer

    def calls_of(self, task_id: str) -> list[Call]:
        """The calls of a task."""
        return [row for row in self.calls if row.task_id == task_id]

    def quest_of(self, task_id: str) -> tuple[str, str, str]:
        """The labels of a task's quest."""
        told = self.quest_id(self.latest[task_id].quest_id)
        if told != "unassigned":
            return self.quest(self.latest[task_id].quest_id)
        spent: dict[str, Decimal] = {}
        for row in self.calls_of(task_id):
            quest_id = self.quest_id(row.quest_id)
            spent[quest_id] = spent.get(quest_id, Decimal(0)) + (row.cost_usd or 0)
        first = min(spent, key=lambda quest_id: (quest_id == "unassigned", -spent[quest_id], quest_id), default=None)
        return self.quest(first)

    def provider(self, call: Call) -> str:
        for families in (self.settings.families, GENERAL):
            for text in (call.provider or "", call.model or ""):
                for name, patterns in families:
                    if any(re.search(pattern, text, re.IGNORECASE | re.ASCII) for pattern in patterns):
                        return name
        return clean(call.provider or "") or "unknown"

    def model(self, call: Call) -> str:
        return clean(call.model or "") or "unknown"

    def _counts(self, row: Allocation | Call | Outcome) -> bool:
        return self._sound(row) and self.day(row) <= self.today

    def _timed(self, row: Allocation | Call | Outcome) -> bool:
        return (row.day if isinstance(row, Allocation) else row.occurred_at) is not None

    def _sound(self, row: Allocation | Call | Outcome) -> bool:
        """Whether a row has a time and none of its amounts is NaN or infinite."""
        amounts = {
            Allocation: ("allocated_usd", "spent_usd"),
            Call: ("cost_usd",),
            Outcome: ("cost_usd", "impact_score"),
        }[type(row)]
        return self._timed(row) and all(finite(getattr(row, amount)) for amount in amounts)
