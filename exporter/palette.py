"""The colours of the page and of the dashboards. A colour has one meaning, and no two palettes share one.

``text_on`` a colour has a contrast of at least 4.5 : 1. Every colour stands out from the light and from the dark background of
the page by at least 3 : 1.
"""

import re
from collections.abc import Mapping

ALLOCATED = "#2f9e62"
"""A budget, and all that is within it."""
SPENT = "#3b7ddd"
OVER = "#d64545"
"""Beyond a budget, wasted, failing."""
WARNING = "#d77d0f"
REST = "#7f8790"
"""All that has no colour of its own, such as ``other`` and ``unknown``."""

LAYERS: Mapping[str, str] = {
    "Agora": "#5f5ad7",
    "Atlas": "#007878",
    "Exchange": "#b45a00",
    "Forge": "#786e0a",
    "Senate": "#964bd2",
}
PROVIDERS: Mapping[str, str] = {
    "MiniMax": "#ff4ba5",
    "Codex": "#a578ff",
    "Bedrock": "#ff5a2d",
    "GLM": "#3c96c3",
    "OpenRouter": "#9b14ff",
    "Azure": "#376ea5",
    "Ollama": "#a5875a",
    "Groq": "#b93c6e",
    "Together": "#5aa52d",
    "Fireworks": "#c300e1",
    "Google": "#969600",
    "Anthropic": "#d27878",
    "OpenAI": "#4b784b",
    "Mistral": "#c378b4",
    "DeepSeek": "#5050ff",
    "xAI": "#965a5a",
    "Meta": "#8787d2",
    "Cohere": "#d25ad2",
}
REASONS: Mapping[str, str] = {"low_impact": "#b94637", "unscored": "#c3784b"}

# Where (1 + 0.05) / (luminance + 0.05) equals (luminance + 0.05) / 0.05.
_LUMINANCE_OF_EQUAL_CONTRAST = 0.1791

_QUESTS = (
    ("#147d0f", "#4b969b", "#b43ca5", "#b8860b"),
    ("#6987ff", "#965f2d", "#789669", "#784bf0"),
    ("#e10078", "#5f8f00", "#0069f0", "#f05a78"),
)
# The colour of a name follows from how many of its characters are in each of these two sets. They were chosen so that common
# names have all colours about equally often.
_CHOOSING_ROW = "01578bcfgiklntuvxz"
_CHOOSING_COLUMN = "14689abcefglnoqstv"


def _counting(characters: str, modulus: int, remainder: int) -> str:
    """A regular expression for a text in which so many characters are from a set: ``remainder``, modulo ``modulus``."""
    one = f"[^{characters}]*[{characters}]"
    return f"(?:{one}){{{remainder}}}(?:(?:{one}){{{modulus}}})*[^{characters}]*$"


QUESTS: Mapping[str, str] = {
    f"^(?={_counting(_CHOOSING_ROW, len(_QUESTS), row)}){_counting(_CHOOSING_COLUMN, len(colors), column)}": color
    for row, colors in enumerate(_QUESTS)
    for column, color in enumerate(colors)
}
"""By a regular expression for the name of a quest, valid in Python and in JavaScript: its colour.

A quest has the same colour wherever it is drawn, whatever is drawn beside it. Quests may share a colour.
"""


def of_quest(name: str) -> str:
    """The colour of a quest with this name."""
    return next((color for pattern, color in QUESTS.items() if re.search(pattern, name)), REST)


def text_on(color: str) -> str:
    """White or black, whichever has more contrast with the colour, as ``#rrggbb``."""
    return "#ffffff" if luminance(color) < _LUMINANCE_OF_EQUAL_CONTRAST else "#000000"


def luminance(color: str) -> float:
    """The relative luminance of a colour ``#rrggbb``, from 0 to 1 (WCAG 2.2)."""
    parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
