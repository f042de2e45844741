"""What wrk prints is read with its units."""

import pytest

from bench.scrape import Load, read

SAID = """\
Running 2s test @ http://127.0.0.1:9877/metrics
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.71ms  340.00us   9.21ms   91.18%
    Req/Sec     9.42k   551.21    10.21k    80.00%
  Latency Distribution
     50%  {p50}
     75%    1.80ms
     90%    1.99ms
     99%  {p99}
  18733 requests in 2.00s, 4.02GB read
Requests/sec:   9362.55
Transfer/sec:      2.01GB
"""


@pytest.mark.parametrize(
    "p50, p99, load",
    [
        ("250.00us", "1.50ms", Load(0.25, 1.5, 9362.55)),
        ("1.20s ", "2.00m ", Load(1200.0, 120000.0, 9362.55)),
    ],
)
def test_units(p50: str, p99: str, load: Load) -> None:
    assert read(SAID.format(p50=p50, p99=p99)) == load


def test_no_scrape_ended() -> None:
    assert read(SAID.format(p50="0.00us", p99="0.00us").replace("9362.55", "0.00")) is None
