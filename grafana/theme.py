"""Units, thresholds, and colours in Grafana's form. The colours themselves are those of the page, in ``exporter.palette``."""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue as Property
from grafana_foundation_sdk.models.dashboard import FieldColorModeId, Threshold, ThresholdsMode
from grafana_foundation_sdk.models.units import BytesIEC, Dollars, LocaleFormat, PercentUnit, Seconds, Short

from exporter.palette import ALLOCATED, OVER, WARNING

USD: Final = Dollars
SHARE: Final = PercentUnit
COUNT: Final = LocaleFormat
SCORE: Final = Short
TOKENS: Final = Short
SECONDS: Final = Seconds
BYTES: Final = BytesIEC
NAME: Final = "string"
PER_SECOND: Final = "suffix:/s"
DATE: Final = "time:YYYY-MM-DD"
"""A Unix time in milliseconds, in the time zone of the browser."""

DECIMALS: Final[Mapping[str, int]] = {USD: 2, SHARE: 1}
"""By unit, where a number must read the same in all panels."""
PRICE: Final = 4
"""The decimals of USD for a small thing, such as one task."""

TEXT: Final = "text"
"""The colour of text, for a number that is neither good nor bad."""

Steps = Mapping[float, str]
"""The colour from each value upward. Below the first value, the first colour is used."""

BUDGET_USED: Steps = {0: ALLOCATED, 0.8: WARNING, 1: OVER}
PACE: Steps = {0: ALLOCATED, 1: WARNING, 2: OVER}
BAD_SHARE: Steps = {0: ALLOCATED, 0.1: WARNING, 0.25: OVER}
ANY_IS_BAD: Steps = {0: ALLOCATED, 1: OVER}
ONE_IS_GOOD: Steps = {0: OVER, 1: ALLOCATED}
DIFFERENCE: Steps = {-1000: OVER, -1: WARNING, -0.005: TEXT, 0.005: WARNING, 1: OVER}
"""USD by which two ledgers differ."""

_TINT: Final = "4a"
"""The opacity of a badge, 0.29: below 0.3, Grafana writes on it in the colour of its theme's text."""


def badge(color: str) -> str:
    """The background of a badge in a colour, given as ``#rrggbb``."""
    return color + _TINT


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
