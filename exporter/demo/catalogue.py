"""The quests, tasks, models and prices of the simulated fleet. Prices are round figures, not those of a real provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple


class Route(NamedTuple):
    """A provider as the ledger spells it, one of its models, and its prices in USD per million input and output tokens."""

    provider: str
    model: str
    input_usd: Decimal
    output_usd: Decimal


def _route(provider: str, model: str, input_usd: str, output_usd: str) -> Route:
    return Route(provider, model, Decimal(input_usd), Decimal(output_usd))


MINIMAX = _route("minimax", "MiniMax-M2", "0.30", "1.20")
MAX = _route("max", "MiniMax-M2", "0.30", "1.20")
CODEX = _route("openai-codex", "gpt-5-codex", "1.25", "10.00")
CODEX_MINI = _route("openai-codex", "gpt-5-codex-mini", "0.25", "2.00")
SONNET = _route("bedrock", "anthropic.claude-sonnet-4-5", "3.00", "15.00")
OPUS = _route("aws-bedrock", "anthropic.claude-opus-4-5", "5.00", "25.00")
NOVA = _route("bedrock", "amazon.nova-pro", "0.80", "3.20")
GLM = _route("zhipu", "glm-4.6", "0.60", "2.20")
GLM_AIR = _route("z.ai", "glm-4.5-air", "0.20", "1.10")
ROUTED_GLM = _route("openrouter", "z-ai/glm-4.6", "0.60", "2.20")
ROUTED_DEEPSEEK = _route("openrouter", "deepseek/deepseek-v3.1", "0.27", "1.10")

Mix = Mapping[Route, int]
"""The weight of each route in the work of a quest."""

FRUGAL: Mix = {MINIMAX: 30, MAX: 20, GLM: 20, GLM_AIR: 14, NOVA: 8, ROUTED_GLM: 5, ROUTED_DEEPSEEK: 3}
BALANCED: Mix = {MINIMAX: 20, MAX: 8, GLM: 18, CODEX: 20, SONNET: 24, NOVA: 8, ROUTED_GLM: 2}
CODING: Mix = {CODEX: 55, CODEX_MINI: 20, SONNET: 18, GLM: 7}
FRONTIER: Mix = {SONNET: 45, OPUS: 20, CODEX: 18, GLM: 12, MINIMAX: 5}

Hours = tuple[int, ...]
"""The weight of each UTC hour in the starts of a day's tasks."""

OFFICE: Hours = (2, 2, 2, 2, 2, 3, 5, 8, 10, 11, 11, 10, 9, 11, 12, 12, 11, 9, 7, 6, 5, 4, 3, 3)
STEADY: Hours = (3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 4, 4, 4, 4, 3)
NIGHTLY: Hours = (200, *(1,) * 23)


@dataclass(frozen=True, slots=True)
class Quest:
    """A budget holder and how it works."""

    id: str
    name: str
    layer: str
    allocation: int | None
    """Its usual allocation in USD per day; None: no allocation."""
    tasks: tuple[int, int]
    """The number of tasks that it starts on a weekday and on a weekend day."""
    mix: Mix
    impact: float
    """The mean score of its tasks, out of 10."""
    hours: Hours = OFFICE
    gap: float = 9
    """The mean time between two calls of a task, in minutes."""
    within: int = 60
    """The minutes of an hour in which its tasks start, from the first one on."""
    rhythm: tuple[float, ...] = (1,)
    """How many times its usual number of tasks it starts on successive days."""
    budget: tuple[str, int] | None = None
    """Its budget of a longer period: ``week``, ``month`` or ``quarter``, and USD; None: it has none."""
    stops_after: int | None = None
    """The number of days after which it starts no more tasks; None: it never stops."""


# Two quests work just after midnight: at nearly any time of day one is over its allocation, and another one near its own.
QUESTS = (
    Quest("hypothesis-tournament", "Hypothesis Tournament", "Agora", 55, (32, 18), FRONTIER, 6.5, budget=("month", 1_300)),
    Quest("open-questions", "Open Questions Forum", "Agora", 25, (18, 12), FRUGAL, 4.0, STEADY),
    Quest("literature-triage", "Literature Triage", "Atlas", 40, (48, 44), BALANCED, 5.0, NIGHTLY, gap=2, within=20),
    Quest(
        "knowledge-graph", "Knowledge Graph Backfill", "Atlas", 34, (42, 42), FRONTIER, 4.5, NIGHTLY, gap=0.3, within=5,
        budget=("week", 350),
    ),
    Quest("trial-atlas", "Clinical Trial Atlas", "Atlas", 30, (22, 8), FRUGAL, 5.0, stops_after=18, budget=("month", 600)),
    Quest("protein-targets", "Protein Target Ranking", "Exchange", 60, (42, 20), FRONTIER, 7.0, budget=("quarter", 4_500)),
    Quest("replication-market", "Replication Market", "Exchange", 18, (30, 28), BALANCED, 5.5, STEADY, rhythm=(0.3, 1.8)),
    Quest("code-forge", "Code Forge", "Forge", 60, (66, 30), CODING, 6.0, budget=("month", 1_200)),
    Quest("assay-design", "Assay Protocol Designer", "Forge", 25, (25, 10), BALANCED, 6.0, budget=("week", 110)),
    Quest("simulation-bench", "Simulation Workbench", "Forge", None, (22, 18), CODING, 5.0, STEADY),
    Quest("peer-review", "Peer Review Senate", "Senate", 45, (30, 14), FRONTIER, 6.5),
    Quest("safety-review", "Safety and Ethics Review", "Senate", 25, (16, 10), FRUGAL, 4.5),
)  # fmt: skip

TITLES: Mapping[str, tuple[str, ...]] = {
    "hypothesis-tournament": ("Debate rival mechanisms of {}", "Rank hypotheses on {}", "Refute the leading claim on {}"),
    "open-questions": ("Answer the forum on {}", "Summarize the thread on {}"),
    "literature-triage": ("Triage new preprints on {}", "Extract claims on {}", "Screen abstracts on {}"),
    "knowledge-graph": ("Backfill entities of {}", "Resolve duplicate nodes on {}"),
    "trial-atlas": ("Map trial arms on {}", "Normalize endpoints on {}"),
    "protein-targets": ("Rank protein targets for {}", "Score the druggability of {}", "Price the evidence for {}"),
    "replication-market": ("Estimate the odds of replicating {}", "Settle the market on {}"),
    "code-forge": ("Build a pipeline for {}", "Fix the parser for {}", "Add tests to the toolkit for {}"),
    "assay-design": ("Draft an assay for {}", "Check reagents for {}"),
    "simulation-bench": ("Simulate {}", "Calibrate a model of {}"),
    "peer-review": ("Review the report on {}", "Check the statistics on {}", "Vote on the claim about {}"),
    "safety-review": ("Assess dual use of {}", "Audit the agents working on {}"),
}
"""Templates for the task titles of each quest; the braces are replaced with a topic."""

TOPICS = (
    "alpha-synuclein strains",
    "APOE4 lipid transport",
    "beta-lactamase escape",
    "CAR-T exhaustion",
    "circadian repair",
    "clonal hematopoiesis",
    "ferroptosis in glioma",
    "GLP-1 analogues",
    "gut-brain signalling",
    "histone lactylation",
    "KRAS G12D",
    "microglial TREM2",
    "mitochondrial fission",
    "NLRP3 inhibitors",
    "PARP resistance",
    "RNA editing",
    "senolytic screening",
    "STING agonists",
    "synaptic pruning",
    "tau aggregation",
    "TDP-43 splicing",
)
