"""From a configuration file to a :class:`~exporter.config.settings.Config`."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from exporter import profiles
from exporter.config.document import file_text, read
from exporter.config.errors import ConfigError, Problem
from exporter.config.ledgers import Context, Table
from exporter.config.settings import DEFAULT_PROFILE, Config, Profile
from exporter.config.validation import validate

_STATE = ("state", "path")


def load(path: Path) -> Config:
    """Read and validate a configuration file. Connection strings are looked up later, at every connect.

    Raises:
        ConfigError: the file cannot be read, or something in it is wrong; one line for each problem.
    """
    return parse(file_text(path), path)


def parse(text: str, source: Path | str) -> Config:
    """A configuration from YAML text. ``source`` is its name in messages; relative paths start from its directory.

    Raises:
        ConfigError: something in the text is wrong; one line for each problem.
    """
    document = read(text, str(source))
    context = Context(_database_names(document.data.get("databases")), _profile(document.data))
    config = _absolute(validate(Config, document, str(source), context), Path(source).absolute().parent)
    if config.state.path.resolve() == Path(source).resolve():
        problem = Problem(document.line(_STATE), _STATE, "is this file; give the rollups a file of their own")
        raise ConfigError(str(source), [problem])
    return config


def from_settings(settings: Mapping[str, object]) -> Config:
    """A configuration from the content of a file as nested mappings and lists. Relative paths start from the current directory.

    Raises:
        ConfigError: something in it is wrong; one line for each problem.
        TypeError: a value is neither text, a number, a path, None nor a container of these.
    """
    return parse(json.dumps(settings, ensure_ascii=False, default=_plain), "settings")


def _plain(value: object) -> object:
    """What JSON writes in the place of a path or another mapping."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} in the settings; fix: write the value as in a configuration file, such as '15s'")


def parse_profile(text: str, source: str) -> Mapping[str, Table]:
    """The tables of a profile from its YAML text, by ledger.

    Raises:
        ConfigError: something in the text is wrong; one line for each problem.
    """
    return validate(Profile, read(text, source), source, Context(frozenset(), {})).ledgers


def _database_names(databases: object) -> frozenset[str] | None:
    """None if any of them is not a mapping: a broken connection string can leave odd keys behind."""
    if not isinstance(databases, dict) or not databases:
        return None
    return frozenset(databases) if all(isinstance(entry, dict) for entry in databases.values()) else None


def _profile(data: Mapping[str, object]) -> Mapping[str, Table] | None:
    """The profile that the file names, None if there is no such profile."""
    name = data.get("profile", DEFAULT_PROFILE)
    known = isinstance(name, str) and name in profiles.names()
    return parse_profile(profiles.read(str(name)), f"profile {name}") if known else None


def _absolute(config: Config, directory: Path) -> Config:
    databases = {
        name: database.model_copy(update={"dsn_file": database.dsn_file and directory / database.dsn_file})
        for name, database in config.databases.items()
    }
    state = config.state.model_copy(update={"path": directory / config.state.path})
    return config.model_copy(update={"databases": MappingProxyType(databases), "state": state})
