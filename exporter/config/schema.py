"""The keys of the file, their types and defaults. Every key is documented in docs/configuration.md."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Generic, Self, TypeVar, cast
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails

from exporter import profiles
from exporter.config import names, values
from exporter.config.errors import KeyPath
from exporter.config.ledgers import LEDGERS, MEASURED
from exporter.config.model import Identifier, Window

DEFAULT_PROFILE = "scidex"


@dataclass(frozen=True, slots=True)
class Known:
    """What one part of a file must know of the others: its databases, and the ledgers of its profile.

    ``None`` stands for what cannot be known because that other part is itself wrong.
    """

    databases: frozenset[str] | None
    ledgers: frozenset[str] | None


def _known(info: ValidationInfo) -> Known:
    return cast("Known", info.context)


def _profile(value: object) -> str:
    return names.one_of("profile", profiles.names(), value)


def _database(value: object, info: ValidationInfo) -> str:
    known = _known(info)
    return names.text(value) if known.databases is None else names.one_of("database", known.databases, value)


Count = Annotated[int, PlainValidator(values.whole(1, 2**31 - 1))]
Duration = Annotated[timedelta, PlainValidator(values.duration)]
Text = Annotated[str, PlainValidator(names.text)]
Patterns = Annotated[tuple[Annotated[str, PlainValidator(names.pattern)], ...], BeforeValidator(names.patterns)]
Windows = Annotated[tuple[Annotated[Window, PlainValidator(values.window)], ...], AfterValidator(values.windows)]


class Strict(BaseModel):
    """A mapping of known keys. A key that is written without a value is a slip, not a wish for the default."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        if value is None:
            raise ValueError("is empty; give it a value, or leave the key out")
        return value

    @classmethod
    def shown(cls, path: KeyPath, data: Mapping[str, object]) -> KeyPath:  # noqa: ARG003 - for those that override it
        """As much of the path to a problem in the document as can be no secret."""
        return path


class DatabaseSchema(Strict):
    """``databases.<name>``."""

    dsn: Annotated[str, PlainValidator(names.connection)] | None = None
    dsn_env: Annotated[str, PlainValidator(names.variable)] | None = None
    dsn_file: Annotated[str, PlainValidator(names.secret_file)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _mapping(cls, data: object) -> object:
        if not isinstance(data, dict):
            raise ValueError("each database is a mapping with one of dsn, dsn_env and dsn_file")  # noqa: TRY004 - pydantic reports a ValueError only
        return data

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("give exactly one of dsn, dsn_env and dsn_file")
        return self


class TableSchema(Strict):
    """How a ledger stands in its table; an empty ``table`` means that of the profile."""

    table: Annotated[Identifier, PlainValidator(names.table)] = ()
    columns: dict[str, Annotated[str | None, PlainValidator(names.column)]] = {}


class LedgerSchema(TableSchema):
    """``ledgers.<ledger>``."""

    database: Annotated[str, PlainValidator(_database)]
    filter: Text | None = None


Mapped = TypeVar("Mapped", bound=TableSchema)


class Ledgers(Strict, Generic[Mapped]):
    """The ledgers, each of which may be left out."""

    allocations: Mapped | None = None
    costs: Mapped | None = None
    impacts: Mapped | None = None
    quests: Mapped | None = None

    def given(self) -> dict[str, Mapped]:
        """The ledgers that are not left out, by name."""
        return {name: ledger for name in LEDGERS if (ledger := getattr(self, name)) is not None}

    @field_validator("*")
    @classmethod
    def _mappable(cls, value: Mapped, info: ValidationInfo) -> Mapped:
        faults = [
            InitErrorDetails(type="value_error", loc=path, input=None, ctx={"error": ValueError(message)})
            for path, message in _unmappable(str(info.field_name), value, _known(info))
        ]
        if faults:
            raise ValidationError.from_exception_data(cls.__name__, faults)
        return value


def _unmappable(name: str, given: TableSchema, known: Known) -> Iterator[tuple[KeyPath, str]]:
    ledger = LEDGERS[name]
    for column, source in given.columns.items():
        if column not in ledger.columns:
            yield ("columns", column), f"the {name} ledger has no such column; it has {', '.join(ledger.columns)}"
        elif source is None and column in ledger.required:
            yield ("columns", column), f"the {name} ledger cannot do without it; name the table's column"
    if not given.table and known.ledgers is not None and name not in known.ledgers:
        yield (), "the profile does not map this ledger; give its table"


class RefreshSchema(Strict):
    """``refresh``."""

    interval: Duration = timedelta(seconds=15)
    settle: Duration = timedelta(minutes=15)
    late: Duration = timedelta(hours=12)
    statement_timeout: Duration = timedelta(seconds=20)
    stale_after: Duration = timedelta(minutes=10)


class StateSchema(Strict):
    """``state``."""

    path: Annotated[str, PlainValidator(names.file)] = "rollups.duckdb"


class ReportSchema(Strict):
    """``report``."""

    windows: Windows = (Window("1d", 1), Window("7d", 7), Window("30d", 30), Window("lifetime", None))
    top: Count = 15
    timeline_days: Annotated[int, PlainValidator(values.whole(1, 366))] = 30


class WasteSchema(Strict):
    """``waste``."""

    min_tokens: Annotated[int, PlainValidator(values.whole(0, 2**63 - 1))] = 1000
    max_impact: Annotated[Decimal, PlainValidator(values.number)] = Decimal("0.5")


class LimitsSchema(Strict):
    """``limits``."""

    max_series: Count = 50_000
    max_providers: Count = 50
    models_per_provider: Count = 50


class ConfigSchema(Strict):
    """A whole ``config.yml``."""

    profile: Annotated[str, PlainValidator(_profile)] = DEFAULT_PROFILE
    timezone: Annotated[ZoneInfo, PlainValidator(values.timezone)] = ZoneInfo("UTC")
    databases: dict[Annotated[str, AfterValidator(names.database)], DatabaseSchema] = Field({}, validate_default=True)
    ledgers: Ledgers[LedgerSchema] = Field(Ledgers[LedgerSchema](), validate_default=True)
    refresh: RefreshSchema = RefreshSchema()
    state: StateSchema = StateSchema()
    report: ReportSchema = ReportSchema()
    waste: WasteSchema = WasteSchema()
    limits: LimitsSchema = LimitsSchema()
    providers: dict[Annotated[str, AfterValidator(names.family)], Patterns] = {}

    @field_validator("databases")
    @classmethod
    def _some_database(cls, value: dict[str, DatabaseSchema]) -> dict[str, DatabaseSchema]:
        if not value:
            raise ValueError("name at least one database, such as main: {dsn_env: MAIN_DSN}")
        return value

    @field_validator("ledgers")
    @classmethod
    def _some_numbers(cls, value: Ledgers[LedgerSchema]) -> Ledgers[LedgerSchema]:
        if not value.given().keys() & set(MEASURED):
            raise ValueError(f"give at least one of {', '.join(MEASURED)}, such as costs: {{database: main}}")
        return value

    @classmethod
    def shown(cls, path: KeyPath, data: Mapping[str, object]) -> KeyPath:
        """Below ``databases`` an odd word may be a piece of a connection string that YAML took apart: the line must do."""
        databases = data.get("databases")
        if path[:1] != ("databases",) or not isinstance(databases, dict):
            return path
        if len(path) == 1 or not isinstance(databases[path[1]], dict):
            return path[:1]
        return path[:3] if path[2:3] and path[2] in DatabaseSchema.model_fields else path[:2]


class ProfileSchema(Strict):
    """A whole profile."""

    ledgers: Ledgers[TableSchema]
