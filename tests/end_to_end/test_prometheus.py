"""The helper that waits for Prometheus fails if Prometheus does not scrape or has exited."""

from pathlib import Path
from socket import create_server

import pytest

from tests.end_to_end.prometheus import prometheus


@pytest.mark.prometheus("prometheus")
def test_a_prometheus_that_never_scrapes_is_an_error(tmp_path: Path) -> None:
    with (
        create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(AssertionError, match=r"has scraped no exporter on port \d+"),
        prometheus(tmp_path, silent.getsockname()[1], patience=0),
    ):
        pass


@pytest.mark.prometheus("prometheus")
def test_a_prometheus_that_has_exited_is_an_error_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no directory")
    with pytest.raises(AssertionError, match=r"(?s)Prometheus has exited; its log:.+data"), prometheus(tmp_path, 1):
        pass
