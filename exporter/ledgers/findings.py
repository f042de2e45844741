"""What can be wrong with the table of a ledger, in words for the user."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and how to mend it. A warning only makes reading slow, or changes noticed late."""

    text: str
    remedy: str
    warning: bool = False

    def __str__(self) -> str:
        """Both in one line."""
        return f"{self.text}; {self.remedy}"


class LedgerError(Exception):
    """A table cannot serve as a ledger."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def quoted(parts: tuple[str, ...]) -> str:
    """An identifier as SQL writes it, with quotes only where they are needed."""
    return ".".join(part if _plain(part) else '"' + part.replace('"', '""') + '"' for part in parts)


def _plain(part: str) -> bool:
    return part.isascii() and part.isidentifier() and part == part.lower()
