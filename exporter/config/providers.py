"""Provider families: the built-in ones, and those of a configuration, which are tried first."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainValidator, TypeAdapter

from exporter.config import names


@dataclass(frozen=True, slots=True)
class ProviderFamily:
    """A provider as the report names it, and the RE2 expressions (case-blind) that match it."""

    name: str
    patterns: tuple[str, ...]


BUILT_IN = (
    ProviderFamily("MiniMax", ("minimax", "^max$")),
    ProviderFamily("Codex", ("codex",)),
    ProviderFamily("Bedrock", ("bedrock",)),
    ProviderFamily("GLM", (r"\bglm", "zhipu", r"\bz\.?ai\b")),
)

_Patterns = Annotated[tuple[Annotated[str, PlainValidator(names.pattern)], ...], BeforeValidator(names.patterns)]
_GIVEN = TypeAdapter(dict[Annotated[str, AfterValidator(names.family)], _Patterns])


def families(value: object) -> tuple[ProviderFamily, ...]:
    """All families, from ``providers`` of a file. Raises pydantic's ValidationError."""
    given = _GIVEN.validate_python(value)
    return (*(ProviderFamily(*family) for family in given.items()), *BUILT_IN)
