"""Partitions that come and go take their rows with them, whatever their ids: the spans that are to be compared then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from exporter.rollups import Rollups
from exporter.sources.reader import EntryReader, Partition, Span


@dataclass(frozen=True, slots=True)
class Partitions:
    """The partitions of a ledger, by oid, and a checksum of which there are."""

    checksum: str
    members: Mapping[int, Partition]


_NONE = Partitions("", {})
_PARTITIONS = TypeAdapter(Partitions)


async def found(reader: EntryReader) -> Partitions:
    """Those in the snapshot."""
    return Partitions(reader.partitions_checksum, await reader.partitions()) if reader.partitions_checksum else _NONE


def known(rollups: Rollups, ledger: str) -> Partitions:
    """Those with which the rollups were last in step."""
    state = rollups.partitions(ledger)
    return _PARTITIONS.validate_json(state) if state else _NONE


def dump(partitions: Partitions) -> str:
    """As the rollups keep it."""
    return _PARTITIONS.dump_json(partitions).decode()


def differing(before: Partitions, after: Partitions, end: datetime) -> list[Span] | None:
    """The spans up to an instant of partitions that came, went or were written again; None for any time."""
    changed = [each for _, each in before.members.items() ^ after.members.items()]
    spans = [each.span for each in changed if each.span]
    if len(spans) < len(changed):
        return None
    return [Span(span.start, min(span.end, end)) for span in spans if span.start < end]
