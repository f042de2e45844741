"""Provider families: the built-in ones, and those of a configuration, which are tried first."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainValidator, TypeAdapter

from exporter.config import names


@dataclass(frozen=True, slots=True)
class ProviderFamily:
    """A provider as the report names it, and the RE2 expressions (case-blind) that match it.

    They are tried on the provider of all families first, then on the model. A ``general`` family comes after all others.
    """

    name: str
    patterns: tuple[str, ...]
    general: bool = False


BUILT_IN = (
    ProviderFamily("MiniMax", ("minimax", "^max$")),
    ProviderFamily("Codex", ("codex",)),
    ProviderFamily("Bedrock", ("bedrock",)),
    ProviderFamily("GLM", (r"\bglm", "zhipu", r"\bz\.?ai\b")),
    # Gateways and clouds first: they bill for the models of others too.
    ProviderFamily("OpenRouter", ("openrouter",), general=True),
    ProviderFamily("Azure", ("azure",), general=True),
    ProviderFamily("Ollama", ("ollama",), general=True),
    ProviderFamily("Groq", ("groq",), general=True),
    ProviderFamily("Together", (r"\btogether",), general=True),
    ProviderFamily("Fireworks", ("fireworks",), general=True),
    ProviderFamily("Google", ("google", "gemini", "vertex"), general=True),
    ProviderFamily("Anthropic", ("anthropic", "claude"), general=True),
    ProviderFamily("OpenAI", ("openai", r"\b(?:chat)?gpt-", r"^o[1-9]\b"), general=True),
    ProviderFamily("Mistral", ("mistral", "mixtral", "codestral"), general=True),
    ProviderFamily("DeepSeek", ("deepseek",), general=True),
    ProviderFamily("xAI", (r"\bx-?ai\b", r"\bgrok\b"), general=True),
    ProviderFamily("Meta", (r"\bmeta\b", r"\bmeta[_-]llama", r"\bllama"), general=True),
    ProviderFamily("Cohere", ("cohere", r"\bcommand-"), general=True),
)

_Patterns = Annotated[tuple[Annotated[str, PlainValidator(names.pattern)], ...], BeforeValidator(names.patterns)]
_GIVEN = TypeAdapter(dict[Annotated[str, AfterValidator(names.family)], _Patterns])


def families(value: object) -> tuple[ProviderFamily, ...]:
    """All families, from ``providers`` of a file. Raises pydantic's ValidationError."""
    given = _GIVEN.validate_python(value)
    return (*(ProviderFamily(*family) for family in given.items()), *BUILT_IN)
