"""Every key of the schema with a value of every wrong type: one line for it, with the file, the line and the key path."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, get_args, get_origin

import pytest
import yaml

from exporter.config import Config, ConfigError, parse
from exporter.config.validation import Strict

RIGHT: dict[str, Any] = {"databases": {"main": {"dsn_env": "MAIN_DSN"}}, "ledgers": {"costs": {"database": "main"}}}
WRONG = {"mapping": {"x": 1}, "list of lists": [[1]], "nothing": None, "number": -1.5, "empty list": [], "text": "\x07 ?"}
# What is right after all.
RIGHT_VALUES = {
    ("waste.max_impact", "number"),
    ("ledgers.costs.filter", "text"),
    ("ledgers.costs.query", "text"),
    ("state.path", "text"),
    ("databases.main.dsn_file", "text"),
}


def keys(schema: type[Strict], *path: str) -> Iterator[tuple[str, ...]]:
    """All key paths, with a name in the place of each that operators choose; of the ledgers, costs."""
    for name in schema.known_keys():
        yield (here := (*path, name))
        kind = schema.model_fields[name].annotation
        inner = next((part for part in (kind, *get_args(kind)) if isinstance(part, type) and issubclass(part, Strict)), None)
        if inner and get_origin(kind) is Mapping:
            yield (here := (*here, "costs" if name == "ledgers" else "main"))
        if inner:
            yield from keys(inner, *here)


def put(path: tuple[str, ...], value: object) -> dict[str, Any]:
    """A configuration that is right but for the value at the path."""
    document = deepcopy(RIGHT)
    section = document
    for key in path[:-1]:
        section = section.setdefault(key, {})
    if path[:2] == ("databases", "main") and len(path) == 3:
        section.clear()
    section[path[-1]] = value
    return document


CASES = {
    f"{'.'.join(path)} {kind}": (path, value)
    for path in keys(Config)
    for kind, value in WRONG.items()
    if (".".join(path), kind) not in RIGHT_VALUES
}


@pytest.mark.parametrize("path, value", CASES.values(), ids=CASES)
def test_a_value_of_a_wrong_type_is_told_with_its_place(path: tuple[str, ...], value: object) -> None:
    text = yaml.safe_dump(put(path, value))
    with pytest.raises(ConfigError) as caught:
        parse(text, "config.yml")
    places = [re.match(r"config\.yml:(\d+): ([\w.]+)[^:]*: \S", line) for line in str(caught.value).splitlines()]
    assert all(place and 1 <= int(place[1]) <= text.count("\n") for place in places)
    # Where a key is wrong, its section may be named, or what is in it.
    wanted = ".".join(path)
    assert any(place and (wanted.startswith(place[2]) or place[2].startswith(wanted)) for place in places)


def test_every_section_has_its_cases() -> None:
    assert {path[0] for path, _ in CASES.values()} == set(Config.known_keys())
    assert len(CASES) > 150
