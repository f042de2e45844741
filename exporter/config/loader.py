"""From a configuration file to a :class:`~exporter.config.model.Config`."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from exporter import profiles
from exporter.config import model, schema
from exporter.config.document import file_text, read
from exporter.config.profile import Table, overlay, tables
from exporter.config.providers import BUILT_IN
from exporter.config.validation import validate


def load(path: Path) -> model.Config:
    """Read and validate a configuration file. Connection strings are looked up later, at every connect.

    Raises:
        ConfigError: the file cannot be read, or something in it is wrong; one line for each problem.
    """
    return parse(file_text(path), path)


def parse(text: str, source: Path | str) -> model.Config:
    """A configuration from YAML text. ``source`` is what messages call it; relative paths start from its directory.

    Raises:
        ConfigError: something in the text is wrong; one line for each problem.
    """
    document = read(text, str(source))
    profile = _profile(document.data)
    known = schema.Known(
        databases=_database_names(document.data.get("databases")),
        ledgers=None if profile is None else frozenset(profile),
    )
    valid = validate(schema.ConfigSchema, document, str(source), known)
    return _config(valid, profile or {}, Path(source).absolute().parent)


def _database_names(databases: object) -> frozenset[str] | None:
    """None unless all are named in earnest: a broken connection string can leave odd keys behind."""
    if not isinstance(databases, dict) or not databases:
        return None
    return frozenset(databases) if all(isinstance(entry, dict) for entry in databases.values()) else None


def _profile(data: Mapping[str, object]) -> Mapping[str, Table] | None:
    """The profile that the file asks for, None when there is no such profile."""
    name = data.get("profile", schema.DEFAULT_PROFILE)
    return tables(name) if isinstance(name, str) and name in profiles.names() else None


def _config(valid: schema.ConfigSchema, profile: Mapping[str, Table], directory: Path) -> model.Config:
    return model.Config(
        profile=valid.profile,
        timezone=valid.timezone,
        databases=MappingProxyType({name: _database(name, given, directory) for name, given in valid.databases.items()}),
        ledgers=MappingProxyType({name: _ledger(name, given, profile) for name, given in valid.ledgers.given().items()}),
        refresh=model.Refresh(**dict(valid.refresh)),
        state_path=directory / valid.state.path,
        report=model.Report(**dict(valid.report)),
        waste=model.Waste(**dict(valid.waste)),
        limits=model.Limits(**dict(valid.limits)),
        providers=(*(model.ProviderFamily(*family) for family in valid.providers.items()), *BUILT_IN),
    )


def _database(name: str, given: schema.DatabaseSchema, directory: Path) -> model.Database:
    return model.Database(
        name=name,
        dsn=given.dsn,
        dsn_env=given.dsn_env,
        dsn_file=None if given.dsn_file is None else directory / given.dsn_file,
    )


def _ledger(name: str, given: schema.LedgerSchema, profile: Mapping[str, Table]) -> model.Ledger:
    table = overlay(name, given, profile)
    return model.Ledger(name, given.database, table.name, table.columns, given.filter)
