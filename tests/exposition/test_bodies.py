import gzip
import zlib
from datetime import UTC, datetime

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from exporter.exposition.bodies import Exposition, Publisher
from exporter.exposition.negotiation import REPRESENTATIONS, Encoding, Format, Representation
from exporter.metrics import Family, Metric
from exporter.snapshot import Snapshot

ELAPSED = Metric("resource_budget_day_elapsed_ratio", "Share of the day.", (), ())
PLAIN = Representation(Format.TEXT, Encoding.IDENTITY)
OPENMETRICS_GZIP = Representation(Format.OPENMETRICS, Encoding.GZIP)
HEAD = b"# HELP resource_budget_day_elapsed_ratio Share of the day.\n# TYPE resource_budget_day_elapsed_ratio gauge\n"


class Ticks:
    """Own metrics that count how often they were rendered."""

    def __init__(self) -> None:
        self.count = 0

    def render(self) -> tuple[bytes, bytes]:
        self.count += 1
        return b"ticks_total %d\n" % self.count, b"ticks_total %d\n# EOF\n" % self.count


def snapshot(ratio: float) -> Snapshot:
    return Snapshot(datetime(2026, 11, 20, tzinfo=UTC), (Family(ELAPSED, [((), ratio)]),), ())


def test_every_body_is_the_data_followed_by_the_own_metrics_in_its_format() -> None:
    bodies = Exposition(b"data 1\n").with_own(b"own 2\n", b"own 3\n# EOF\n")
    assert set(bodies) == set(REPRESENTATIONS)
    assert {each: decoded(each, body) for each, body in bodies.items()} == {
        Representation(Format.TEXT, Encoding.IDENTITY): b"data 1\nown 2\n",
        Representation(Format.TEXT, Encoding.GZIP): b"data 1\nown 2\n",
        Representation(Format.OPENMETRICS, Encoding.IDENTITY): b"data 1\nown 3\n# EOF\n",
        Representation(Format.OPENMETRICS, Encoding.GZIP): b"data 1\nown 3\n# EOF\n",
    }


def decoded(representation: Representation, body: bytes) -> bytes:
    return gzip.decompress(body) if representation.encoding is Encoding.GZIP else body


def test_every_gzip_body_of_a_snapshot_is_one_member() -> None:
    exposition = Exposition(b"data 1\n" * 1000)
    for own in (b"a 1\n", b"b 2\n"):
        member = zlib.decompressobj(wbits=31)
        assert member.decompress(exposition.with_own(own, own)[OPENMETRICS_GZIP]) == b"data 1\n" * 1000 + own
        assert member.eof
        assert member.unused_data == b""


def test_before_the_first_snapshot_only_own_metrics_are_served() -> None:
    publisher = Publisher(Ticks())
    assert not publisher.ready
    assert publisher.snapshot is None
    assert publisher.body(PLAIN) == b"ticks_total 1\n"
    publisher.republish()
    assert not publisher.ready
    assert gzip.decompress(publisher.body(OPENMETRICS_GZIP)) == b"ticks_total 2\n# EOF\n"


def test_a_snapshot_is_served_until_the_next() -> None:
    publisher, first, second = Publisher(Ticks()), snapshot(0.25), snapshot(0.5)
    publisher.publish(first)
    publisher.republish()
    assert publisher.ready
    assert publisher.snapshot is first
    assert publisher.body(PLAIN) == HEAD + b"resource_budget_day_elapsed_ratio 0.25\nticks_total 3\n"
    publisher.publish(second)
    assert publisher.snapshot is second
    assert publisher.body(PLAIN) == HEAD + b"resource_budget_day_elapsed_ratio 0.5\nticks_total 4\n"


def test_a_snapshot_that_cannot_be_rendered_does_not_replace_the_current_one() -> None:
    publisher, first = Publisher(Ticks()), snapshot(0.25)
    publisher.publish(first)
    before = publisher.body(PLAIN)
    with pytest.raises(ValueError, match="could not convert"):
        publisher.publish(snapshot("many"))  # type: ignore[arg-type]
    assert publisher.snapshot is first
    assert publisher.body(PLAIN) == before


def test_the_openmetrics_body_is_a_complete_exposition() -> None:
    publisher = Publisher(Ticks())
    publisher.publish(snapshot(0.25))
    body = gzip.decompress(publisher.body(OPENMETRICS_GZIP)).decode()
    families = parse_openmetrics(body)  # type: ignore[no-untyped-call]
    assert [family.name for family in families] == ["resource_budget_day_elapsed_ratio", "ticks_total"]
