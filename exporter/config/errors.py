"""Errors in a configuration: one line for each problem, and never a secret."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]

CONNECTION = re.compile(r"://|\b(?:host|hostaddr|port|user|dbname|passw\w*|passfile|service)\s*=")
"""Parts of a connection string, which operators may paste in the wrong place."""

_SHOWN = 60


class SecretError(Exception):
    """There is no usable connection string. The message names the database and the place of the string, never the string."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file. ``line`` counts from 1; None means the whole file. The message also says how to fix it."""

    line: int | None
    path: KeyPath
    message: str

    def describe(self, source: str) -> str:
        """One line: ``config.yml:12: refresh.interval: '15 parsecs' is not a duration; …``."""
        place = source if self.line is None else f"{source}:{self.line}"
        return ": ".join(filter(None, (place, dotted(self.path), self.message)))


class ConfigError(Exception):
    """A configuration that cannot be used. Its message has one line for each problem, sorted by line."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, dotted(problem.path))))
        super().__init__("\n".join(problem.describe(source) for problem in self.problems))


def quoted(value: object) -> str:
    """A value for a message: one line of at most 60 characters, and only ``…`` for what may be a connection string."""
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
    text = str(value)
    if "@" in text or CONNECTION.search(text):
        return "'…'"
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def dotted(path: KeyPath) -> str:
    """A key path as text: ``report.windows[1]``."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{_plain(key)}" for key in path).removeprefix(".")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name most similar to the word, ignoring case; None if none is similar."""
    by_folded = {name.casefold(): name for name in known}
    return next((by_folded[name] for name in difflib.get_close_matches(word.casefold(), by_folded, n=1)), None)


def suggestion(word: str, known: Iterable[str]) -> str:
    """The fix for an unknown name: ``did you mean 'costs'?``, or all known names if none is similar."""
    names = tuple(known)
    match = nearest(word, names)
    if match is None:
        # A name may be a connection string in the wrong place.
        return f"must be one of {', '.join(name if _plain(name) == name else '…' for name in names)}"
    return f"did you mean {quoted(match)}?"


def _plain(key: str) -> str:
    return key if re.fullmatch(r"[\w$-]+(?: [\w$-]+)*", key) else quoted(key)
