"""Profiles, and what the operator lays over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exporter import profiles
from exporter.config.document import read
from exporter.config.ledgers import LEDGERS
from exporter.config.model import Identifier
from exporter.config.schema import Known, ProfileSchema, TableSchema
from exporter.config.validation import validate

_NOTHING = Known(databases=frozenset(), ledgers=frozenset())


@dataclass(frozen=True, slots=True)
class Table:
    """Where a ledger stands: the identifier in parts, and the ledger's columns with the table's own names for them."""

    name: Identifier
    columns: Mapping[str, str]


def tables(profile: str) -> Mapping[str, Table]:
    """The ledgers that a profile of the package maps."""
    return parse(profiles.read(profile), f"profile {profile}")


def parse(text: str, source: str) -> Mapping[str, Table]:
    """A profile from its text.

    Raises:
        ConfigError: the text is not a profile.
    """
    schema = validate(ProfileSchema, read(text, source), source, _NOTHING)
    return {name: overlay(name, given, {}) for name, given in schema.ledgers.given().items()}


def overlay(ledger: str, given: TableSchema, profile: Mapping[str, Table]) -> Table:
    """A ledger's table: that of the profile with the given columns laid over it, or another one.

    The profile knows its table in whatever schema it is, and nothing of a table of another name. There, required columns
    have the ledger's own names unless something else is said, and optional ones exist only when they are named.
    """
    definition = LEDGERS[ledger]
    table = Table(given.table, {column: column for column in definition.required})
    known = profile.get(ledger, table)
    if not given.table:
        table = known
    elif given.table[-1] == known.name[-1]:
        table = Table(given.table, known.columns)
    columns = {**table.columns, **given.columns}
    present = {column: source for column in definition.columns if (source := columns.get(column)) is not None}
    return Table(table.name, MappingProxyType(present))
