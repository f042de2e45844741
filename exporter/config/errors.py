"""What is said about a configuration that cannot be used: one line for each problem, and never a secret."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]

CONNECTION = re.compile(r"://|\b(?:host|hostaddr|port|user|dbname|passw\w*|passfile|service)\s*=")
"""Marks of a connection string, which operators do paste in the wrong place."""

_SHOWN = 60


class SecretError(Exception):
    """A connection string cannot be had. The message names the database and where the string should be, never the string."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. ``line`` counts from 1 and is None when the whole file is meant."""

    line: int | None
    path: KeyPath
    message: str

    def describe(self, source: str) -> str:
        """One line: ``config.yml:12: refresh.interval: '15 parsecs' is not a duration; …``."""
        place = source if self.line is None else f"{source}:{self.line}"
        return ": ".join(filter(None, (place, dotted(self.path), self.message)))


class ConfigError(Exception):
    """A configuration that cannot be used. Its text has one line for each problem, sorted by line."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, dotted(problem.path))))
        super().__init__("\n".join(problem.describe(source) for problem in self.problems))


def quoted(value: object) -> str:
    """A value as a message may show it: on one line, cut, and left out where it could be a connection string."""
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
    """A key path as people write it: ``report.windows[1]``."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{_plain(key)}" for key in path).removeprefix(".")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that the word was most likely meant to be, whatever its case; None when nothing is near."""
    by_folded = {name.casefold(): name for name in known}
    return next((by_folded[name] for name in difflib.get_close_matches(word.casefold(), by_folded, n=1)), None)


def suggestion(word: str, known: Iterable[str]) -> str:
    """How to mend an unknown name: ``did you mean 'costs'?``, or all that are known when nothing is near."""
    names = tuple(known)
    match = nearest(word, names)
    if match is None:
        # A name may be a connection string that came into the wrong place.
        return f"known here: {', '.join(name if _plain(name) == name else '…' for name in names)}"
    return f"did you mean {quoted(match)}?"


def _plain(key: str) -> str:
    return key if re.fullmatch(r"[\w$-]+(?: [\w$-]+)*", key) else quoted(key)
