"""The bodies of a scrape: the data, rendered and compressed once per snapshot, followed by the exporter's own metrics."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from exporter.exposition.negotiation import Encoding, Format, Representation
from exporter.exposition.render import Renderer
from exporter.snapshot import Snapshot

# Level 3 takes a third of the time of zlib's default level, and the result is a fifth larger.
_LEVEL = 3
_GZIP = 16 + zlib.MAX_WBITS


class OwnMetrics(Protocol):
    """The exporter's metrics about its own work."""

    def render(self) -> tuple[bytes, bytes]:
        """Return them in text format 0.0.4 and in OpenMetrics 1.0. The latter ends with ``# EOF``."""


class Exposition:
    """The data of one snapshot as bytes, and the state of the compressor after them.

    The own metrics change more often than the data. A copy of the compressor continues after the data, so each body is one
    ordinary gzip member, but only the own metrics have to be compressed.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)
        self._compressed = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def with_own(self, text: bytes, openmetrics: bytes) -> Mapping[Representation, bytes]:
        """Return the body of every representation: the data, followed by the own metrics in its format."""
        own = {Format.TEXT: text, Format.OPENMETRICS: openmetrics}
        plain = {Representation(each, Encoding.IDENTITY): self._data + tail for each, tail in own.items()}
        return plain | {Representation(each, Encoding.GZIP): self._gzip(tail) for each, tail in own.items()}

    def _gzip(self, tail: bytes) -> bytes:
        compressor = self._compressor.copy()
        return self._compressed + compressor.compress(tail) + compressor.flush()


@dataclass(frozen=True, slots=True)
class _Published:
    snapshot: Snapshot | None
    exposition: Exposition
    bodies: Mapping[Representation, bytes]


class Publisher:
    """Holds the current snapshot and its bodies. Before the first snapshot the bodies hold the own metrics only.

    Both are replaced in one assignment, so readers never see a mix of old and new. ``publish`` may run in a worker thread;
    the lock prevents a ``republish`` that started earlier from restoring the old data.
    """

    def __init__(self, own: OwnMetrics) -> None:
        self._own = own
        self._renderer = Renderer()
        self._lock = Lock()
        self._ready = False
        self._current = self._made(None, Exposition(b""))

    @property
    def snapshot(self) -> Snapshot | None:
        """The current snapshot; None before the first."""
        return self._current.snapshot

    @property
    def ready(self) -> bool:
        """Whether a complete snapshot has been published."""
        return self._ready

    def body(self, representation: Representation) -> bytes:
        """Return the current bytes of one representation."""
        return self._current.bodies[representation]

    def publish(self, snapshot: Snapshot) -> None:
        """Render the snapshot and make it the current one."""
        exposition = Exposition(self._renderer.render(snapshot.families, snapshot.shard))
        with self._lock:
            self._current = self._made(snapshot, exposition)
            self._ready = self._ready or snapshot.complete

    def republish(self) -> None:
        """Update the own metrics of the current bodies; the data stay the same."""
        with self._lock:
            self._current = self._made(self._current.snapshot, self._current.exposition)

    def _made(self, snapshot: Snapshot | None, exposition: Exposition) -> _Published:
        return _Published(snapshot, exposition, exposition.with_own(*self._own.render()))
