"""A document against its schema: either all of it is right, or everything that is wrong is told at once."""

from dataclasses import replace
from typing import TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from exporter.config.document import Document
from exporter.config.errors import ConfigError, KeyPath, Problem, suggestion
from exporter.config.schema import Strict

_KEY_MARK = "[key]"
"""What pydantic adds to the path when a key itself is wrong."""

_SHAPES = {
    "dict_type": "must be a mapping of names to values",
    "tuple_type": "must be a list; put it in square brackets",
    "missing": "is missing; it has no default",
}

Schema = TypeVar("Schema", bound=Strict)


def validate(schema: type[Schema], document: Document, source: str, known: object = None) -> Schema:
    """The document as its schema has it. ``known`` is what the schema's own checks must know besides.

    Raises:
        ConfigError: with every problem of the document.
    """
    problems, valid = list(document.problems), None
    try:
        valid = schema.model_validate(document.data, context=known)
    except ValidationError as error:
        problems += [_problem(details, schema, document) for details in error.errors(include_url=False, include_input=False)]
    if valid is None or problems:
        raise ConfigError(source, [replace(problem, path=schema.shown(problem.path, document.data)) for problem in problems])
    return valid


def keys_at(schema: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """The keys that a schema knows in the mapping at the path."""
    if not path:
        return tuple(schema.model_fields)
    kind = schema.model_fields[str(path[0])].annotation
    named = get_origin(kind) is dict
    inner = next(part for part in (kind, *get_args(kind)) if isinstance(part, type) and issubclass(part, BaseModel))
    return keys_at(inner, path[2 if named else 1 :])


def _problem(error: ErrorDetails, schema: type[BaseModel], document: Document) -> Problem:
    path = error["loc"][:-1] if error["loc"][-1:] == (_KEY_MARK,) else error["loc"]
    return Problem(document.line(path), path, _message(error, schema))


def _message(error: ErrorDetails, schema: type[BaseModel]) -> str:
    path = error["loc"]
    match error["type"]:
        case "value_error":
            return str(error["ctx"]["error"])
        case "extra_forbidden":
            return f"unknown key; {suggestion(str(path[-1]), keys_at(schema, path[:-1]))}"
        case "model_type":
            return f"must be a mapping; known here: {', '.join(keys_at(schema, path))}"
    return _SHAPES[error["type"]]
