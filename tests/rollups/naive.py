"""What the rollups should hold, computed from lists of entries in Python."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from exporter.rollups.ranges import KnownRange
from tests.rollups.entries import Entry, at

Row = tuple[Any, ...]
K = TypeVar("K", bound=Hashable)


def grouped(entries: Iterable[Entry], key: Callable[[Entry], K]) -> dict[K, list[Entry]]:
    found = defaultdict(list)
    for entry in entries:
        found[key(entry)].append(entry)
    return found


def counted(entries: Iterable[Entry]) -> list[Entry]:
    """Those that were not rejected."""
    return [entry for entry in entries if entry.get("rejection_reason") is None]


def holder(known: Sequence[KnownRange], entry: Entry) -> KnownRange:
    """The only range of UTC that an entry is in."""
    (found,) = (
        each for each in known if at(each.day, each.minute) <= entry["occurred_at"] < at(each.day, each.minute + each.minutes)
    )
    return found


def ranges(known: Sequence[KnownRange], entries: Iterable[Entry]) -> set[Row]:
    """Of each range that holds an entry: its day, minute and length, how many there are, and the sums of checksums and keys."""
    return {
        (
            *(each.day, each.minute, each.minutes, len(held)),
            *(sum(entry["checksum"] for entry in held), sum(entry["key"] for entry in held)),
        )
        for each, held in grouped(entries, lambda entry: holder(known, entry)).items()
    }


def rejected(ledger: str, entries: Iterable[Entry]) -> set[Row]:
    reasons = grouped((each for each in entries if each.get("rejection_reason")), lambda each: each["rejection_reason"])
    return {(ledger, reason, len(held)) for reason, held in reasons.items()}


def whole(amount: Decimal | None) -> int:
    """None counts as nothing."""
    return int(amount or 0)


def calls_of(entries: Iterable[Entry]) -> int:
    """How many calls entries stand for: one, if they do not say."""
    return sum(1 if entry.get("calls") is None else int(entry["calls"]) for entry in entries)


def cost_sums(entries: Sequence[Entry]) -> Row:
    """``entries, calls, unpriced, usd, credit_usd, input_tokens, output_tokens``."""
    calls, unpriced = calls_of(entries), calls_of(entry for entry in entries if entry["usd"] is None)
    usd = [entry["usd"] for entry in entries if entry["usd"] is not None]
    tokens = [sum(whole(entry[name]) for entry in entries) for name in ("input_tokens", "output_tokens")]
    return len(entries), calls, unpriced, sum(usd), sum(each for each in usd if each < 0), *tokens


def costs(entries: Iterable[Entry], key: Callable[[Entry], Row]) -> dict[Row, Row]:
    """The sums of those that were not rejected, by some of their columns."""
    return {group: cost_sums(held) for group, held in grouped(counted(entries), key).items()}


def cell(entry: Entry) -> Row:
    """The quest, provider and model of a call, as the rollups name them."""
    return entry["quest_id"] or "unassigned", entry["provider"] or "", entry["model"] or ""


def task_totals(entries: Iterable[Entry]) -> dict[str, Row]:
    """By task: the quest, layer and title of its latest entry, its sums, and why it is wasted."""
    return {task: _task(held) for task, held in grouped(counted(entries), lambda entry: str(entry["task_id"])).items()}


def _task(entries: Sequence[Entry]) -> Row:
    latest = max(entries, key=lambda entry: (entry["occurred_at"], entry["key"]))
    scores = [entry["impact"] for entry in entries if entry["impact"] is not None]
    tokens, impact = sum(whole(entry["tokens"]) for entry in entries), sum(scores) if scores else None
    labels = latest["quest_id"] or "unassigned", latest["layer"] or "", latest["title"] or ""
    return *labels, sum(entry["usd"] or 0 for entry in entries), tokens, impact, waste_reason(tokens, impact)


def waste_reason(tokens: int, impact: Decimal | None) -> str | None:
    """By the default thresholds."""
    if tokens <= 1000:
        return None
    if impact is None:
        return "unscored"
    return "low_impact" if impact <= Decimal("0.5") else None


def quest_outcomes(tasks: Mapping[str, Row]) -> dict[Row, Row]:
    """By quest and reason: how many tasks, how many of them scored, and the sums of impact, USD and tokens."""
    found: dict[Row, Row] = {}
    for quest, _, _, usd, tokens, impact, reason in tasks.values():
        brought = 1, int(impact is not None), impact or 0, usd, tokens
        before = found.get((quest, reason), (0,) * len(brought))
        found[quest, reason] = tuple(a + b for a, b in zip(before, brought, strict=True))
    return found
