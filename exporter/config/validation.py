"""Validation of a document against its schema. All problems are reported at once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, TypeVar, get_args, get_origin

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
)
from pydantic_core import ErrorDetails, PydanticKnownError

from exporter.config.document import Document
from exporter.config.errors import ConfigError, KeyPath, Problem, suggestion

_KEY_MARK = "[key]"
"""What pydantic appends to the path if the key itself is wrong."""

_SHAPES = {
    "dict_type": "must be a mapping of names to values",
    "tuple_type": "must be a list; put it in square brackets",
    "missing": "is missing; it has no default",
}

Key = TypeVar("Key", bound=str)
Value = TypeVar("Value")


class Strict(BaseModel):
    """A mapping of known keys. A key without a value is an error, not the default.

    The program changes a setting with ``model_copy(update=...)``, which does not validate.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        if value is None:
            raise ValueError("is empty; give it a value, or leave the key out")
        return value

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """The keys that a file may give."""
        return tuple(name for name, field in cls.model_fields.items() if not field.exclude)

    @classmethod
    def shown(cls, path: KeyPath, data: Mapping[str, object]) -> KeyPath:  # noqa: ARG003 - for those that override it
        """The part of a problem's path in the document that cannot be a secret."""
        return path


class _Name(str):
    """A name that comes from the key of an entry, and not from the entry."""

    __slots__ = ()


def _name(value: object, info: ValidationInfo) -> str:
    if info.context is not None and not isinstance(value, _Name):
        raise PydanticKnownError("extra_forbidden")
    return str(value)


class Named(Strict):
    """An entry of a mapping. Its ``name`` is its key in the mapping; the file cannot give another one."""

    name: Annotated[str, BeforeValidator(_name)] = Field(exclude=True)


def _named(entries: object) -> object:
    if not isinstance(entries, dict):
        return entries
    return {key: {"name": _Name(key), **entry} if isinstance(entry, dict) else entry for key, entry in entries.items()}


Fixed = Annotated[Mapping[Key, Value], AfterValidator(MappingProxyType)]
"""A mapping that cannot be changed."""
Entries = Annotated[Fixed[Key, Value], BeforeValidator(_named)]
"""A mapping of :class:`Named` entries."""
Schema = TypeVar("Schema", bound=Strict)


def parsed(kind: type[Value], parse: Callable[[object], Value]) -> PlainValidator:
    """A validator that parses what a file holds, and accepts what is parsed already."""
    return PlainValidator(lambda value: value if isinstance(value, kind) else parse(value))


def validate(schema: type[Schema], document: Document, source: str, context: object = None) -> Schema:
    """The document as its schema. ``context`` is passed to the schema's validators.

    Raises:
        ConfigError: with every problem of the document.
    """
    problems, valid = list(document.problems), None
    try:
        valid = schema.model_validate(document.data, context=context)
    except ValidationError as error:
        problems += [_problem(details, schema, document) for details in error.errors(include_url=False, include_input=False)]
    if valid is None or problems:
        raise ConfigError(source, [replace(problem, path=schema.shown(problem.path, document.data)) for problem in problems])
    return valid


def _problem(error: ErrorDetails, schema: type[Strict], document: Document) -> Problem:
    path = error["loc"][:-1] if error["loc"][-1:] == (_KEY_MARK,) else error["loc"]
    return Problem(document.line(path), path, _message(error, schema))


def _message(error: ErrorDetails, schema: type[Strict]) -> str:
    path = error["loc"]
    match error["type"]:
        case "value_error":
            return str(error["ctx"]["error"])
        case "extra_forbidden":
            return f"unknown key; {suggestion(str(path[-1]), _keys_at(schema, path[:-1]))}"
        case "model_type":
            return f"must be a mapping; known keys: {', '.join(_keys_at(schema, path))}"
    return _SHAPES[error["type"]]


def _keys_at(schema: type[Strict], path: KeyPath) -> tuple[str, ...]:
    """The keys that a schema knows in the mapping at the path."""
    if not path:
        return schema.known_keys()
    kind = schema.model_fields[str(path[0])].annotation
    inner = next(part for part in (kind, *get_args(kind)) if isinstance(part, type) and issubclass(part, Strict))
    return _keys_at(inner, path[2 if get_origin(kind) is Mapping else 1 :])
