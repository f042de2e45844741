"""A wait for Prometheus that was in vain fails the test that waits."""

from pathlib import Path
from socket import create_server

import pytest

from tests.end_to_end.prometheus import prometheus


@pytest.mark.prometheus("prometheus")
def test_a_prometheus_that_never_scrapes_an_exporter_is_no_success(tmp_path: Path) -> None:
    with (
        create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(AssertionError, match=r"has scraped no exporter on port \d+"),
        prometheus(tmp_path, silent.getsockname()[1], patience=0),
    ):
        pass


@pytest.mark.prometheus("prometheus")
def test_a_prometheus_that_has_ended_is_told_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no directory")
    with pytest.raises(AssertionError, match=r"(?s)Prometheus has ended; it said:.+data"), prometheus(tmp_path, 1):
        pass
