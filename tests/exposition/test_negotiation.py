import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.negotiation import LONGEST_REMEMBERED, Encoding, Format, Representation, negotiate

TEXT, OPENMETRICS = Format.TEXT, Format.OPENMETRICS
GZIP, IDENTITY = Encoding.GZIP, Encoding.IDENTITY
OM = "application/openmetrics-text"

PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_2_30 = "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,"
    "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept,expected",
    [
        # what clients send
        (None, TEXT),
        (PROMETHEUS_2_42, OPENMETRICS),
        (PROMETHEUS_2_30, TEXT),
        (PROMETHEUS_3, OPENMETRICS),
        (PROMETHEUS_3_PROTOBUF, OPENMETRICS),
        (CHROMIUM, TEXT),
        (FIREFOX, TEXT),
        ("*/*", TEXT),  # curl, requests, aiohttp
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", TEXT),  # Metricbeat
        ("text/html, image/gif, image/jpeg, */*; q=0.2", TEXT),
        # empty headers
        ("", TEXT),
        (" , ,", TEXT),
        # types and wildcards
        ("text/plain", TEXT),
        (OM, OPENMETRICS),
        ("text/*", TEXT),
        ("application/*", OPENMETRICS),
        ("application/json", None),
        ("text/html", None),
        ("text/html, text/plain;q=0.1", TEXT),
        # weights
        (f"text/plain;q=0.5, {OM}", OPENMETRICS),
        (f"text/plain, {OM};q=0.9", TEXT),
        (f"text/plain;q=0.001, {OM};q=0.002", OPENMETRICS),
        ("text/plain;q=0", None),
        ("text/plain;q=0, */*", OPENMETRICS),
        (f"*/*;q=0, {OM};q=0.001", OPENMETRICS),
        ("*/*;q=0", None),
        ("*/*;q=0.000", None),
        # on equal weights the more specific range wins, then text
        (f"{OM}, text/plain", TEXT),
        (f"{OM}, */*", OPENMETRICS),
        (f"{OM};version=1.0.0, text/plain", OPENMETRICS),
        ("application/*, */*", OPENMETRICS),
        # a specific range takes precedence over a wider one
        (f"*/*, {OM};q=0.2", TEXT),
        ("text/plain;q=0.2, text/*;q=0.9, application/*;q=0.5", OPENMETRICS),
        ("text/plain;q=0.9, text/plain;version=0.0.4;q=0.1, application/*;q=0.5", OPENMETRICS),
        # versions and other parameters
        (f"{OM};version=1.0.0", OPENMETRICS),
        (f"{OM};version=0.0.1", None),
        (f"{OM};version=2.0.0, text/plain;q=0.1", TEXT),
        ("text/plain;version=1.0.0", None),
        ("text/plain;version=0.0.4", TEXT),
        ('text/plain;version="0.0.4"', TEXT),
        (r'text/plain;version="0\.0.4"', TEXT),
        ("text/plain;charset=UTF-8", TEXT),
        ("text/plain;charset=latin-1", None),
        ("*/*;charset=latin-1", None),
        (f"{OM};version=1.0.0;escaping=values;q=0.5", OPENMETRICS),
        ("text/plain;format=flowed", TEXT),
        ("text/plain;q=0.5;later=1", TEXT),
        ("text/plain;;version=0.0.4;", TEXT),
        # case and blanks
        ("TEXT/PLAIN;VERSION=0.0.4;Q=0.5", TEXT),
        ("Application/OpenMetrics-Text;Version=1.0.0", OPENMETRICS),
        (f"text/plain ; q=0.1\t,\t{OM} ;\tq=0.2", OPENMETRICS),
        # separators inside quotes do not separate
        (f'text/html;title="a, {OM};q=1", text/plain;q=0.1', TEXT),
        (r'text/html;title="\", */*", text/plain;q=0.1', TEXT),
        # ranges that violate the grammar are ignored
        (f"text/plain;q=2, {OM};q=0.1", OPENMETRICS),
        (f"text/plain;q=0.1234, {OM};q=0.1", OPENMETRICS),
        (f"text/plain;q=, {OM};q=0.1", OPENMETRICS),
        (f"text/plain;q=-1, {OM};q=0.1", OPENMETRICS),
        (f"text/plain;version, {OM};q=0.1", OPENMETRICS),
        (f"text /plain, ;text/plain, {OM};q=0.1", OPENMETRICS),
        (f"text/, /plain, text/plain/x, {OM};q=0.1", OPENMETRICS),
        (f'{OM};q=0.1, text/plain;version="0.0.4', OPENMETRICS),
        (f'text/html;title="open, {OM}', TEXT),
        ("*/plain", None),
        ("garbage", TEXT),
        ("text/plain;q=nan", TEXT),
    ],
)
def test_format(accept: str | None, expected: Format | None) -> None:
    assert negotiate(accept, None) == (expected and Representation(expected, IDENTITY))


@pytest.mark.parametrize(
    "accept_encoding,expected",
    [
        (None, IDENTITY),
        ("", IDENTITY),
        ("gzip", GZIP),  # Prometheus
        ("gzip, deflate, br, zstd", GZIP),  # Chromium
        ("identity", IDENTITY),  # Python's http.client
        ("deflate, br", IDENTITY),
        ("GZIP;Q=1", GZIP),
        ("x-gzip", GZIP),
        ("gzip;q=0.5", GZIP),
        ("gzip;q=0.001", GZIP),
        ("gzip;q=0", IDENTITY),
        ("gzip;q=0.5, identity;q=0.8", IDENTITY),
        ("gzip;q=0.8, identity;q=0.8", GZIP),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", GZIP),
        ("*", GZIP),
        ("*;q=0.5, identity", IDENTITY),
        ("gzip;q=0, *", IDENTITY),
        ("identity;q=0", None),
        ("identity;q=0, gzip;q=0", None),
        ("identity;q=0, gzip", GZIP),
        ("identity;q=0, br", None),
        ("*;q=0", None),
        ("*;q=0, gzip;q=0.1", GZIP),
        ("*;q=0, identity", IDENTITY),
        ("gzip;q=7, deflate", IDENTITY),
        ("gzip gzip", IDENTITY),
    ],
)
def test_encoding(accept_encoding: str | None, expected: Encoding | None) -> None:
    assert negotiate(None, accept_encoding) == (expected and Representation(TEXT, expected))


def test_format_and_encoding_must_both_be_acceptable() -> None:
    assert negotiate("text/html", "gzip") is None
    assert negotiate("text/plain", "identity;q=0") is None


def test_a_long_header_is_negotiated() -> None:
    accept = "text/html," * LONGEST_REMEMBERED + f"{OM};q=0.1"
    assert negotiate(accept, "gzip") == Representation(OPENMETRICS, GZIP)


@given(st.text('ab/*;=",\\ .q01-', max_size=60), st.text('gzip*;=",q01 ', max_size=60))
def test_no_header_raises(accept: str, accept_encoding: str) -> None:
    answer = negotiate(accept, accept_encoding)
    assert answer is None or isinstance(answer, Representation)
