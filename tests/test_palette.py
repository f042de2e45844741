"""The colours can be read, and told apart, on the page and in Grafana."""

import re
from collections import Counter
from collections.abc import Mapping
from itertools import combinations, product
from math import dist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import palette
from exporter.palette import text_on

SEMANTIC = {name: getattr(palette, name) for name in ("ALLOCATED", "SPENT", "OVER", "WARNING", "REST")}
PALETTES: Mapping[str, Mapping[str, str]] = {
    "meanings": SEMANTIC,
    "layers": palette.LAYERS,
    "providers": palette.PROVIDERS,
    "reasons": palette.REASONS,
    "quests": palette.QUESTS,
}
COLORS = sorted({color for colors in PALETTES.values() for color in colors.values()})
# What the names of projects and teams are made of.
WORDS = re.findall(
    r"\w+",
    """
    Analytics Search Platform Growth Billing Support Research Market Forge Atlas Review Tournament Forum Triage Backfill Ranking
    Design Bench Senate Ethics Graph Pipeline Checkout Mobile Security Identity Payments Infrastructure Data Experiments Quality
    Sales Marketing Finance Legal Operations Content Translation Assistant Agents Crawler Indexer Summaries Protein Climate
""",
)
LIGHT, DARK = "#ffffff", "#1a2027"


def linear(color: str) -> tuple[float, float, float]:
    """The linear parts of a colour of sRGB."""
    red, green, blue = ((part / 255) for part in bytes.fromhex(color.removeprefix("#")))
    curve = [part / 12.92 if part < 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return curve[0], curve[1], curve[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    dark, light = sorted(0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in (linear(one), linear(other)))
    return (light + 0.05) / (dark + 0.05)


def oklab(color: str) -> tuple[float, float, float]:
    """The colour in OKLab, where a distance of 0.02 can just be seen (bottosson.github.io/posts/oklab)."""
    r, g, b = linear(color)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("color", COLORS)
def test_text_on_a_colour_can_be_read(color: str) -> None:
    assert contrast(text_on(color), color) >= 4.5
    assert contrast(text_on(color), color) == max(contrast("#ffffff", color), contrast("#000000", color))


@pytest.mark.parametrize("background", [LIGHT, DARK])
@pytest.mark.parametrize("color", COLORS)
def test_a_colour_stands_out_in_both_themes(color: str, background: str) -> None:
    assert contrast(color, background) >= 3


@pytest.mark.parametrize("one, other", list(combinations(PALETTES, 2)))
def test_no_two_palettes_share_a_colour_or_nearly(one: str, other: str) -> None:
    pairs = product(PALETTES[one].items(), PALETTES[other].items())
    assert [(a, b) for a, b in pairs if dist(oklab(a[1]), oklab(b[1])) < 0.05] == []


def test_colours_with_a_meaning_are_far_apart() -> None:
    assert [pair for pair in combinations(SEMANTIC.values(), 2) if dist(*map(oklab, pair)) < 0.07] == []


@pytest.mark.parametrize("name", PALETTES)
def test_the_colours_of_a_palette_differ(name: str) -> None:
    assert [pair for pair in combinations(PALETTES[name].values(), 2) if dist(*map(oklab, pair)) < 0.03] == []


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1))
def test_every_name_has_exactly_one_colour(name: str) -> None:
    found = [color for pattern, color in palette.QUESTS.items() if re.search(pattern, name)]
    assert found == [palette.of_quest(name)]


def test_the_colours_of_quests_are_used_about_equally_often() -> None:
    names = [f"{one} {other}" for one, other in product(WORDS, WORDS)]
    counts = Counter(map(palette.of_quest, names))
    assert counts.keys() == set(palette.QUESTS.values())
    assert max(counts.values()) < 1.5 * min(counts.values())


def test_numbered_quests_have_different_colours() -> None:
    assert len({palette.of_quest(f"Team {number}") for number in range(1, 9)}) >= 4
