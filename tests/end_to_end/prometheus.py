"""A real Prometheus, and a function to query it."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.waiting import DEADLINE, until


@contextmanager
def prometheus(directory: Path, port: int, patience: float = DEADLINE) -> Iterator[Callable[..., Any]]:
    """Run a Prometheus with the data of the directory that scrapes the port; yields a function that queries its API.

    Raises:
        AssertionError: it has exited, or has not scraped an exporter there within ``patience`` seconds.
    """
    with create_server(("127.0.0.1", 0)) as probe:
        own = probe.getsockname()[1]
    target = {"job_name": "resource-exporter", "scrape_interval": "1s", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    (directory / "prometheus.yml").write_text(json.dumps({"scrape_configs": [target]}))
    arguments = ["prometheus", f"--config.file={directory / 'prometheus.yml'}", f"--storage.tsdb.path={directory / 'data'}"]
    with (directory / "prometheus.log").open("w") as log:
        process = subprocess.Popen([*arguments, f"--web.listen-address=127.0.0.1:{own}"], stderr=log, stdout=log)

    def ask(endpoint: str, **parameters: object) -> Any:  # noqa: ANN401 - whatever JSON it is
        with urlopen(f"http://127.0.0.1:{own}/api/v1/{endpoint}?{urlencode(parameters)}", timeout=10) as reply:
            return json.load(reply)["data"]["result"]

    said = (directory / "prometheus.log").read_text
    try:
        until(
            lambda: process.poll() is not None or _scraped(ask),
            lambda: f"Prometheus has scraped no exporter on port {port}; its log:\n{said()}",
            patience,
        )
        assert process.poll() is None, f"Prometheus has exited; its log:\n{said()}"
        yield ask
    finally:
        process.terminate()
        process.wait(DEADLINE)


def _scraped(ask: Callable[..., Any]) -> bool:
    try:
        return bool(ask("query", query="resource_report_info"))
    except OSError:  # it is not listening yet
        return False
