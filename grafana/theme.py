"""Colours and units. A colour means the same everywhere; those of Grafana's palette suit its light and its dark theme."""

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

ALLOCATED: Final = "green"
SPENT: Final = "red"
WASTED: Final = "red"
NEUTRAL: Final = "blue"
REST: Final = "#8e8e8e"
"""Everything that has no colour of its own: ``other``, ``unknown``."""

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
    "other": REST,
    "unknown": REST,
}
REASONS: Mapping[str, str] = {"low_impact": "red", "unscored": "light-red"}

Steps = Mapping[float, str]
"""The colour from each value upward; below the first of them it is the colour of the first."""

BUDGET_USED: Steps = {0: "green", 0.8: "orange", 1: "red"}
PACE: Steps = {0: "green", 1: "orange", 2: "red"}
BAD_SHARE: Steps = {0: "green", 0.1: "orange", 0.25: "red"}
ANY_IS_BAD: Steps = {0: "green", 1: "red"}
ONE_IS_GOOD: Steps = {0: "red", 1: "green"}


def fixed(color: str) -> FieldColor:
    """One colour, whatever the value."""
    return FieldColor().mode(FieldColorModeId.FIXED).fixed_color(color)


def by_threshold() -> FieldColor:
    """The colour of the step that the value has reached."""
    return FieldColor().mode(FieldColorModeId.THRESHOLDS)


def thresholds(steps: Steps) -> ThresholdsConfig:
    """The steps as Grafana wants them: the first one reaches down to minus infinity."""
    first, *others = steps.items()
    found = [Threshold(value=None, color=first[1]), *(Threshold(value=value, color=color) for value, color in others)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


def colored(color: str) -> Property:
    """One colour, as a property of a field."""
    return Property("color", {"mode": FieldColorModeId.FIXED, "fixedColor": color})


def unit(name: str) -> Property:
    """A unit, as a property of a field."""
    return Property("unit", name)
