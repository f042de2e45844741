"""Colours and units. A colour has the same meaning everywhere. Grafana's palette works in its light and dark themes."""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property
from grafana_foundation_sdk.models.dashboard import FieldColorModeId, Threshold, ThresholdsMode
from grafana_foundation_sdk.models.units import (
    BytesIEC,
    CountsPerSecond,
    Dollars,
    LocaleFormat,
    PercentUnit,
    Seconds,
    Short,
)

USD: Final = Dollars
SHARE: Final = PercentUnit
COUNT: Final = LocaleFormat
SCORE: Final = Short
TOKENS: Final = Short
SECONDS: Final = Seconds
PER_SECOND: Final = CountsPerSecond
BYTES: Final = BytesIEC
DATE: Final = "time:YYYY-MM-DD"
"""A Unix time in milliseconds, in the time zone of the browser."""

ALLOCATED: Final = "green"
SPENT: Final = "red"
WASTED: Final = "red"
WARNING: Final = "orange"
NEUTRAL: Final = "blue"
REST: Final = "#8e8e8e"
"""For everything without its own colour, such as ``other`` and ``unknown``."""

LAYERS: Mapping[str, str] = {
    "Agora": "blue",
    "Atlas": "purple",
    "Exchange": "orange",
    "Forge": "#c79a00",
    "Senate": "#14a098",
    "other": REST,
    "unknown": REST,
}
PROVIDERS: Mapping[str, str] = {
    "MiniMax": "#e0529c",
    "Codex": "#14a098",
    "Bedrock": "orange",
    "GLM": "blue",
    "OpenRouter": "#7c6bf0",
    "Azure": "#2f9be0",
    "Ollama": "#a0785a",
    "Groq": "#d9622b",
    "Together": "#00b3c4",
    "Fireworks": "#c44fd6",
    "Google": "#d4a106",
    "Anthropic": "#cc785c",
    "OpenAI": "#8a9a2b",
    "Mistral": "#f08aa6",
    "DeepSeek": "#3f5fd0",
    "xAI": "#6b7f99",
    "Meta": "#86b8f5",
    "Cohere": "#b07fd8",
    "other": REST,
    "unknown": REST,
}
REASONS: Mapping[str, str] = {"low_impact": "red", "unscored": "light-red"}

Steps = Mapping[float, str]
"""The colour from each value upward. Below the first value, the first colour is used."""

BUDGET_USED: Steps = {0: "green", 0.8: "orange", 1: "red"}
PACE: Steps = {0: "green", 1: "orange", 2: "red"}
BAD_SHARE: Steps = {0: "green", 0.1: "orange", 0.25: "red"}
ANY_IS_BAD: Steps = {0: "green", 1: "red"}
ONE_IS_GOOD: Steps = {0: "red", 1: "green"}


def fixed(color: str) -> FieldColor:
    """One colour for all values."""
    return FieldColor().mode(FieldColorModeId.FIXED).fixed_color(color)


def by_threshold() -> FieldColor:
    """The colour of the highest threshold that the value reaches."""
    return FieldColor().mode(FieldColorModeId.THRESHOLDS)


def thresholds(steps: Steps) -> ThresholdsConfig:
    """The steps in Grafana's form: the first one starts at minus infinity."""
    first, *others = steps.items()
    found = [Threshold(value=None, color=first[1]), *(Threshold(value=value, color=color) for value, color in others)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


def colored(color: str) -> Property:
    """One colour, as a property of a field."""
    return Property("color", {"mode": FieldColorModeId.FIXED, "fixedColor": color})


def graded(steps: Steps) -> list[Property]:
    """The colour of the highest threshold that a value reaches, as properties of a field."""
    return [Property("color", {"mode": FieldColorModeId.THRESHOLDS}), Property("thresholds", thresholds(steps).build())]


def unit(name: str) -> Property:
    """A unit, as a property of a field."""
    return Property("unit", name)
