"""docs/configuration.md says what the schema knows, no more and no less, and its examples are configurations."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args, get_origin

import pytest

from exporter.config import Config, ConfigError, parse
from exporter.config.ledgers import LEDGERS, Definition
from exporter.config.providers import BUILT_IN
from exporter.config.validation import Strict
from exporter.profiles import names

PAGE = (Path(__file__).parents[2] / "docs/configuration.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(ERRORS,) = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
KEY_TABLE = re.compile(r"^\| key \| type \| default \| meaning \|\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE)
KEY_ROW = re.compile(r"^\| `([a-z_.<>]+)` \| [^|]+ \| ?([^|]*) \|", re.MULTILINE)
KEYS = KEY_ROW.findall("".join(KEY_TABLE.findall(PAGE)))
LEDGER_ROW = re.compile(r"^\| `(\w+)` \| [^|`]+ \| (`[^|]+) \| (`[^|]+) \|$", re.MULTILINE)


def keys(schema: type[Strict], prefix: str = "") -> Iterator[str]:
    """The keys of all leaves, with names that operators choose in angle brackets."""
    for name in schema.known_keys():
        kind = schema.model_fields[name].annotation
        inner = next((part for part in (kind, *get_args(kind)) if isinstance(part, type) and issubclass(part, Strict)), None)
        entry = ".<ledger>" if name == "ledgers" else ".<name>" if get_origin(kind) is Mapping else ""
        yield from [prefix + name] if inner is None else keys(inner, f"{prefix}{name}{entry}.")


def example(text: str) -> Config:
    return parse(text, "config.yml")


def listed(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`(\w+)`", cell))


def with_instead(ledger: Definition) -> tuple[str, ...]:
    """The required columns, each followed by those that may stand in its place."""
    others = {required: [other for other, place in ledger.instead.items() if place == required] for required in ledger.required}
    return tuple(name for required in ledger.required for name in (required, *others[required]))


def test_every_key_has_one_row_and_every_row_a_key() -> None:
    documented = [key for key, _ in KEYS]

    assert sorted(documented) == sorted(set(keys(Config)))


def test_every_column_of_a_ledger_is_documented() -> None:
    rows = {ledger: (listed(required), listed(optional)) for ledger, required, optional in LEDGER_ROW.findall(PAGE)}
    places = {ledger: re.findall(r"`(\w+)` or `(\w+)`", required) for ledger, required, _ in LEDGER_ROW.findall(PAGE)}

    assert rows == {name: (with_instead(ledger), ledger.optional) for name, ledger in LEDGERS.items()}
    assert places == {name: [(place, other) for other, place in ledger.instead.items()] for name, ledger in LEDGERS.items()}


def test_the_full_example_says_the_defaults() -> None:
    full = next(text for text in EXAMPLES if "refresh:" in text)
    least = "".join(line for line in full.splitlines(keepends=True) if line.startswith(("databases", "ledgers", " ")))

    assert example(full) == example(least)


@pytest.mark.parametrize("key, default", [row for row in KEYS if row[1].startswith("`")])
def test_a_documented_default_is_the_default(key: str, default: str) -> None:
    section, _, name = key.rpartition(".")
    value = default.strip("`")
    least = EXAMPLES[0]

    assert example(f"{least}{section}: {{{name}: {value}}}" if section else f"{least}{name}: {value}") == example(least)


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_a_configuration(text: str) -> None:
    assert example(text).ledgers


def test_errors_are_as_shown() -> None:
    wrong = EXAMPLES[0] + "refresh:\n  interval: 15 parsecs\n\nreprot: {}\n"
    with pytest.raises(ConfigError) as raised:
        example(wrong)
    assert f"{raised.value}\n" == ERRORS


def test_the_schema_of_ones_own_is_read_as_explained() -> None:
    config = next(example(text) for text in EXAMPLES if "llm_calls" in text)

    assert config.ledgers["costs"].columns == {
        "entry_id": "id",
        "occurred_at": "created",
        "provider": "provider",
        "cost_usd": "price",
        "quest_id": "team",
        "model": "model",
    }
    assert config.ledgers["allocations"].table == ("Budgets",)
    assert config.ledgers["allocations"].columns == {"quest_id": "team", "day": "day", "allocated_usd": "amount"}


@pytest.mark.parametrize("profile", names())
def test_every_profile_is_documented(profile: str) -> None:
    assert f"`{profile}`" in PAGE.split("## Profiles")[1]


def test_every_built_in_family_is_documented() -> None:
    section = PAGE.split("## Provider families")[1]

    for family in BUILT_IN:
        patterns = ", ".join(f"`{pattern}`" for pattern in family.patterns)
        assert f"{family.name} ({patterns})" in " ".join(section.split())
