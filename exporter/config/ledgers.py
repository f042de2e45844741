"""The ledgers: their columns, and the tables that a file maps them to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Self, TypeVar, cast

from pydantic import AfterValidator, Field, PlainValidator, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails

from exporter.config import names
from exporter.config.errors import KeyPath, suggestion
from exporter.config.validation import Fixed, Named, parsed


@dataclass(frozen=True, slots=True)
class Definition:
    """The columns of one ledger. A source may lack the ``optional`` ones."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    instead: Mapping[str, str] = field(default_factory=dict)
    """Columns that stand in the place of a required one."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, the required ones first."""
        return self.required + self.optional + tuple(self.instead)

    def replaced(self, columns: Mapping[str, str]) -> set[str]:
        """The required columns in whose place there is another one of these."""
        return {required for other, required in self.instead.items() if columns.get(other)}


LEDGERS: Mapping[str, Definition] = MappingProxyType(
    {
        "allocations": Definition(required=("quest_id", "day", "allocated_usd"), optional=("spent_usd",)),
        "budgets": Definition(required=("quest_id", "budget_usd", "starts_on"), optional=("ends_on", "period")),
        "costs": Definition(
            required=("entry_id", "occurred_at", "provider", "cost_usd"),
            optional=("quest_id", "task_id", "model", "input_tokens", "output_tokens", "calls", "updated_at"),
            instead={"day": "occurred_at"},
        ),
        "impacts": Definition(
            required=("entry_id", "occurred_at", "task_id"),
            optional=("impact_score", "cost_usd", "total_tokens", "quest_id", "layer", "task", "updated_at"),
        ),
        "quests": Definition(required=("quest_id", "quest"), optional=("layer",)),
    }
)

MEASURED = ("allocations", "budgets", "costs", "impacts")
"""The ledgers that hold numbers; ``quests`` holds only names."""


class Table(Named):
    """The table of a ledger, or the query in its place. In a file, both default to the profile's, as do ``columns``.

    After validation ``table`` is the identifier in parts (``("public", "cost_ledger")``; empty for a query), and ``columns``
    maps the ledger's column names to those of the table or query; a column that the source does not have is left out.
    """

    table: Annotated[names.Identifier, parsed(tuple, names.table)] = ()
    query: Annotated[str, PlainValidator(names.query)] | None = None
    columns: Fixed[str, Annotated[str, PlainValidator(names.column)]] = Field({})

    @property
    def timed_by(self) -> str:
        """The ledger column that tells when an entry occurred: on which day, where the source knows no more."""
        return "day" if "day" in self.columns else "occurred_at"

    @model_validator(mode="after")
    def _resolved(self, info: ValidationInfo) -> Self:
        if info.context is None or self.name not in LEDGERS:
            return self
        profile = cast("Context", info.context).profile
        wrong = [
            InitErrorDetails(type="value_error", loc=path, input=None, ctx={"error": ValueError(message)})
            for path, message in _mistakes(self, profile)
        ]
        if wrong:
            raise ValidationError.from_exception_data(self.name, wrong)
        return _with_profile(self, profile or {})


@dataclass(frozen=True, slots=True)
class Context:
    """What the ledgers of a file refer to: the names of its databases, and the tables of its profile.

    ``None``: that part of the file is wrong, so it is not known.
    """

    databases: frozenset[str] | None
    profile: Mapping[str, Table] | None


def _database(value: object, info: ValidationInfo) -> str:
    known = None if info.context is None else cast("Context", info.context).databases
    return names.text(value) if known is None else names.one_of("database", known, value)


class Ledger(Table):
    """``ledgers.<ledger>``. ``database`` is a name, ``filter`` an SQL condition."""

    database: Annotated[str, PlainValidator(_database)]
    filter: Annotated[str, PlainValidator(names.text)] | None = None


def _known(name: str) -> str:
    if name not in LEDGERS:
        raise ValueError(f"unknown key; {suggestion(name, LEDGERS)}")
    return name


LedgerName = Annotated[str, AfterValidator(_known)]
AnyTable = TypeVar("AnyTable", bound=Table)


def _mistakes(given: Table, profile: Mapping[str, Table] | None) -> Iterator[tuple[KeyPath, str]]:
    name, ledger = given.name, LEDGERS[given.name]
    for column, source in given.columns.items():
        if column not in ledger.columns:
            yield ("columns", column), f"the {name} ledger has no such column; it has {', '.join(ledger.columns)}"
        elif not source and column in ledger.required and column not in ledger.replaced(given.columns):
            yield ("columns", column), f"the {name} ledger requires this column; name the table's column for it"
        elif source and column in ledger.replaced(given.columns):
            yield ("columns", column), "has another column in its place; give one of the two"
    if given.table and given.query:
        yield ("query",), "stands in the place of table; give one of the two"
    if not given.table and not given.query and profile is not None and name not in profile:
        yield (), "the profile does not map this ledger; give its table or a query"


def _with_profile(given: AnyTable, profile: Mapping[str, Table]) -> AnyTable:
    """Add what the profile knows: the table or query where none is given, and the columns of that table in any schema.

    Elsewhere, required columns have the ledger's own names by default, and optional ones exist only if given.
    """
    definition = LEDGERS[given.name]
    own = given.model_copy(update={"columns": {column: column for column in definition.required}})
    mapped: Table = profile.get(given.name, own)
    same_table = given.table and given.table[-1:] == mapped.table[-1:]
    base = own if (given.table or given.query) and not same_table else mapped
    columns = {**base.columns, **given.columns}
    absent = definition.replaced(given.columns)
    present = {column: source for column in definition.columns if (source := columns.get(column)) and column not in absent}
    read = {"table": given.table or base.table, "query": given.query or base.query}
    return given.model_copy(update={**read, "columns": MappingProxyType(present)})
