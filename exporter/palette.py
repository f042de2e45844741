"""The colours of the page and of the dashboards. A colour has one meaning, and no two palettes share one.

White text on a dark colour, and black text on a light one, has a contrast of at least 4.5 : 1. Every colour stands out from a
light and from a dark background by at least 3 : 1.
"""

import re
from collections.abc import Mapping

ALLOCATED = "#2f9e62"
"""A budget, and all that is within it."""
SPENT = "#3b7ddd"
OVER = "#d64545"
"""Beyond a budget, wasted, failing."""
WARNING = "#d9822b"
REST = "#7f8790"
"""All that has no colour of its own, such as ``other`` and ``unknown``."""

LAYERS: Mapping[str, str] = {
    "Agora": "#5a5ad2",
    "Atlas": "#007878",
    "Exchange": "#b45a00",
    "Forge": "#786900",
    "Senate": "#964bd2",
}
PROVIDERS: Mapping[str, str] = {
    "MiniMax": "#ff4ba5",
    "Codex": "#a578ff",
    "Bedrock": "#ff5a2d",
    "GLM": "#3c96c3",
    "OpenRouter": "#9600ff",
    "Azure": "#3c69a5",
    "Ollama": "#a5875a",
    "Groq": "#b43c69",
    "Together": "#5aa52d",
    "Fireworks": "#c300e1",
    "Google": "#969600",
    "Anthropic": "#d27878",
    "OpenAI": "#4b784b",
    "Mistral": "#c378b4",
    "DeepSeek": "#4b4bff",
    "xAI": "#965a5a",
    "Meta": "#8787d2",
    "Cohere": "#d25ad2",
}
REASONS: Mapping[str, str] = {"low_impact": "#b03a2e", "unscored": "#c98a1b"}

_QUESTS = (
    ("#1e7800", "#0091b3", "#b43ca5", "#b8860b"),
    ("#6987ff", "#a04000", "#789669", "#784bf0"),
    ("#e10078", "#5f8f00", "#0069f0", "#f05a78"),
)
# The last characters of names, in four classes of about the same size; all others are in the last class.
_ENDINGS = ("[a-d0159]", "[e-m26]", "[n-r37]", "[^a-r0-35-79]")
QUESTS: Mapping[str, str] = {
    f"^(?:.{{{len(_QUESTS)}}})*.{{{beyond}}}{ending}$": color
    for beyond, colors in enumerate(_QUESTS)
    for ending, color in zip(_ENDINGS, colors, strict=True)
}
"""By a regular expression for the name of a quest: the colour follows from the length and the last character of the name.

So a quest has the same colour wherever it is drawn, whatever is drawn beside it. Quests may share a colour.
"""


def of_quest(name: str) -> str:
    """The colour of a quest with this name."""
    return next((color for pattern, color in QUESTS.items() if re.search(pattern, name)), REST)
