"""The built-in provider families, in the order in which they are tried; those of the configuration go first."""

from exporter.config.model import ProviderFamily

BUILT_IN = (
    ProviderFamily("MiniMax", ("minimax", "^max$")),
    ProviderFamily("Codex", ("codex",)),
    ProviderFamily("Bedrock", ("bedrock",)),
    ProviderFamily("GLM", (r"\bglm", "zhipu", r"\bz\.?ai\b")),
)
