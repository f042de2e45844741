"""docs/web.md says what the schema knows, no more and no less; its commands and files make a scrape that is protected."""

import os
import re
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from exporter.web import connection
from exporter.web.access import Access, load
from exporter.web.access.schema import WebSchema
from exporter.web.access.values import CLIENT_AUTH, HEADERS, SUITES
from exporter.web.connection import Limits
from tests.conftest import ROOT
from tests.end_to_end.process import LEDGERS, running
from tests.grafana.conftest import scraping

PAGE = (ROOT / "docs/web.md").read_text(encoding="utf-8")
KEYS = dict(re.findall(r"^\| `([a-z_0-9.]+)` \| [^|]+ \| ([^|]*) \|", PAGE, re.MULTILINE))
REFUSED = {"cert", "key", "client_ca", "client_allowed_sans", "curve_preferences", "rate_limit"}
(COMMANDS,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(PROMETHEUS,) = re.findall(r"^```yaml\n(# prometheus\.yml\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(MUTUAL,) = re.findall(r"^```yaml\n(# web\.yml\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SUITE_LISTS = re.findall(r"^Without `cipher_suites`(.*?)\.\s(`TLS.*?)$\n\n", PAGE, re.MULTILINE | re.DOTALL)[0]


def keys(schema: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in schema.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        yield from [prefix + name] if inner is None else keys(inner, f"{prefix}{name}.")


def test_every_key_has_one_row_and_every_row_a_key() -> None:
    assert {key for key in keys(WebSchema) if key.rpartition(".")[2] not in REFUSED} == set(KEYS)
    assert all(f"`{key}`" in PAGE.split("## What is different")[1] for key in REFUSED)


@pytest.mark.prometheus("openssl")
def test_the_documented_suites_are_those_that_are_on_and_those_that_can_be(certificates: Path) -> None:
    defaults, others = (set(re.findall(r"`(TLS_\w+)`", part)) for part in SUITE_LISTS)
    (certificates / "web.yml").write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")
    tls = load(certificates / "web.yml").tls
    assert tls is not None
    on = {suite["name"] for suite in tls.get_ciphers() if suite["protocol"] == "TLSv1.2"}
    assert on == {SUITES[name] for name in defaults}
    assert len(on) == 6
    assert defaults | others == set(SUITES)


@pytest.mark.prometheus("openssl")
@pytest.mark.parametrize("key, default", [(key, cell.strip("`")) for key, cell in KEYS.items() if cell.startswith("`")])
def test_a_documented_default_is_the_default(certificates: Path, key: str, default: str) -> None:
    section, _, name = key.rpartition(".")
    least = {"tls_server_config": "cert_file: server.crt, key_file: server.key"}.get(section, "")
    outer = f"{section}: {{{least}%s}}" if section else "{%s}"
    with_default = outer % f"{', ' if least else ''}{name}: {default}"

    def made(text: str) -> tuple[object, ...]:
        (certificates / "web.yml").write_text(text)
        access: Access = load(certificates / "web.yml")
        tls = access.tls and (
            access.tls.verify_mode,
            access.tls.options,
            access.tls.minimum_version,
            access.tls.maximum_version,
        )
        return tls, access.headers, access.users

    assert made(with_default) == made(outer % "")


def test_every_name_is_there() -> None:
    assert all(f"`{name}`" in PAGE for name in (*CLIENT_AUTH, *HEADERS))


@pytest.mark.prometheus("openssl")
def test_the_example_of_mutual_tls_is_right(certificates: Path) -> None:
    (certificates / "web.yml").write_text(MUTUAL.replace("tls.", "server.").replace("clients.crt", "authority.crt"))
    assert load(certificates / "web.yml").authenticates


@pytest.mark.parametrize(
    "limit, said",
    [
        ("connections", "| connections at a time | {}; "),
        ("handshake", "| TLS handshake | {} s |"),
        ("request", "until the answer begins | {} s |"),
        ("answer", "until the client has taken it | {} s |"),
        ("idle", "| idle between two requests | {} s |"),
    ],
)
def test_a_documented_limit_is_the_limit(limit: str, said: str) -> None:
    assert said.format(getattr(Limits(), limit)) in PAGE


def test_the_documented_sizes_are_those_that_count() -> None:
    assert f"a request's head | {connection._MOST_BYTES >> 10} kB, " in PAGE
    assert f"beyond {connection._MOST_BYTES >> 10} kB of them " in PAGE
    assert f"shared by all clients; {connection._CHUNK >> 10} kB " in PAGE


@pytest.mark.slow
@pytest.mark.prometheus("openssl", "prometheus", "promtool")
def test_the_commands_make_a_scrape_that_is_protected(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "-euc", COMMANDS], cwd=tmp_path, env=os.environ | {"PATH": path}, check=True, capture_output=True)
    subprocess.run(["promtool", "check", "web-config", "web.yml"], cwd=tmp_path, check=True, capture_output=True)
    assert {path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077} == set()
    (tmp_path / "config.yml").write_text(LEDGERS.format(timezone="UTC"))
    flags = [f"--config.file={tmp_path / 'config.yml'}", f"--web.config.file={tmp_path / 'web.yml'}"]
    with running(tmp_path, "serve", *flags, LEDGERS_DSN="host=/nowhere") as exporter:
        exporter.context = ssl.create_default_context(cafile=tmp_path / "tls.crt")
        assert exporter.get("/-/healthy").status == 401
        password = (tmp_path / "password").read_text().strip()
        exporter.authorization = "Basic " + b64encode(f"prometheus:{password}".encode()).decode()
        assert exporter.get("/-/healthy").body == b"healthy\n"
        scrape = PROMETHEUS.replace("15s", "500ms").replace(":9877", f":{exporter.port}")
        with scraping(tmp_path, scrape) as prometheus:
            prometheus.until('up{job="resource-exporter"} == 1')
            prometheus.until('resource_exporter_build_info{job="resource-exporter"}')
