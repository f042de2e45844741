"""A reload is reverted, and answered with the reason, when a section fails that worked before."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import psycopg
import pytest

from exporter import app
from exporter.config import Config
from exporter.metrics import Family, Metric
from exporter.report import labelling
from exporter.report.context import ReportContext
from exporter.report.labels import Labels
from exporter.report.prepared import Prepared
from exporter.sections import SECTIONS, waste
from exporter.web.server import Address
from tests.integration.running import configure
from tests.waiting import until_async
from tests.web.serving import PATIENCE, Answer, answer, ask, said

TOP = {"good": 5, "bad": 7}
REASON = "waste cannot be computed: Binder Error: no such column; fix: take the change back"


class Running(NamedTuple):
    """A running exporter: its port, and a function that sets the configuration of the next reload."""

    port: int
    use: Callable[[Config], None]

    async def reload(self) -> Answer:
        request = b"POST /-/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        return answer(await said(self.port, request))

    async def page(self) -> str:
        return (await ask(self.port)).body.decode()

    async def shows(self, line: str) -> None:
        """Wait until the page has the line."""

        async def shown() -> bool:
            return f"{line}\n" in await self.page()

        await until_async(shown)


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[Running]:
    configs = [config]
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    web = app.Web(Address("127.0.0.1", 0), lifecycle=True)
    exporter = asyncio.create_task(app.run(lambda: configs[-1], web, port.set_result))
    try:
        yield Running(await asyncio.wait_for(port, PATIENCE), configs.append)
    finally:
        signal.raise_signal(signal.SIGTERM)
        await exporter


@pytest.fixture
def ledger(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO cost_ledger (created_at, provider, cost_usd) VALUES (now(), 'p', 1)")
    return database


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The section waste fails with one value of ``report.top``."""
    collect = waste.collect

    def collect_or_fail(context: ReportContext, prepared: Prepared) -> list[Family]:
        if context.config.report.top == TOP["bad"]:
            raise duckdb.BinderException("Binder Error: no such column\n\nLINE 1: ...")
        return collect(context, prepared)

    monkeypatch.setattr(waste, "collect", collect_or_fail)


def configured(ledger: str, tmp_path: Path, top: int) -> Config:
    return configure(ledger, tmp_path / "rollups", report={"top": top}, refresh={"interval": "200ms"})


@pytest.mark.usefixtures("fragile")
async def test_a_section_that_fails_reverts_the_reload(ledger: str, tmp_path: Path) -> None:
    async with running(configured(ledger, tmp_path, TOP["good"])) as exporter:
        await exporter.shows('resource_exporter_collector_success{collector="waste"} 1.0')
        exporter.use(configured(ledger, tmp_path, TOP["bad"]))
        reply = await exporter.reload()
        assert (reply.status, reply.body.decode()) == (500, f"reload failed: {REASON}\n")
        page = await exporter.page()
        assert "resource_exporter_config_last_reload_successful 0.0\n" in page
        assert all(f'resource_exporter_collector_success{{collector="{name}"}} 1.0\n' in page for name in SECTIONS)
        assert 'resource_provider_spend_usd{provider="p",window="1d"} 1.0\n' in page
        exporter.use(configured(ledger, tmp_path, 3))
        assert (await exporter.reload()).status == 200
        assert "resource_exporter_config_last_reload_successful 1.0\n" in await exporter.page()


@pytest.mark.usefixtures("fragile")
async def test_a_section_that_failed_before_does_not_revert_the_reload(ledger: str, tmp_path: Path) -> None:
    async with running(configured(ledger, tmp_path, TOP["bad"])) as exporter:
        await exporter.shows('resource_exporter_collector_success{collector="providers"} 1.0')
        exporter.use(configured(ledger, tmp_path, TOP["bad"]))
        assert (await exporter.reload()).status == 200
        await exporter.shows('resource_exporter_collector_success{collector="waste"} 0.0')


async def test_a_report_that_fails_reverts_the_reload(ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = labelling.prepare

    def prepare_or_fail(context: ReportContext, metrics: Iterable[Metric]) -> Labels:
        if context.config.report.top == TOP["bad"]:
            raise duckdb.BinderException("Binder Error: no such column")
        return prepare(context, metrics)

    monkeypatch.setattr(labelling, "prepare", prepare_or_fail)
    async with running(configured(ledger, tmp_path, TOP["good"])) as exporter:
        await exporter.shows('resource_exporter_collector_success{collector="waste"} 1.0')
        exporter.use(configured(ledger, tmp_path, TOP["bad"]))
        signal.raise_signal(signal.SIGHUP)
        await exporter.shows("resource_exporter_config_last_reload_successful 0.0")
        page = await exporter.page()
        assert all(f'resource_exporter_collector_success{{collector="{name}"}} 1.0\n' in page for name in SECTIONS)


async def test_a_reload_can_change_the_windows(ledger: str, tmp_path: Path) -> None:
    async with running(configured(ledger, tmp_path, TOP["good"])) as exporter:
        await exporter.shows('resource_provider_spend_usd{provider="p",window="1d"} 1.0')
        exporter.use(configure(ledger, tmp_path / "rollups", report={"windows": ["lifetime"]}))
        assert (await exporter.reload()).status == 200
        page = await exporter.page()
        assert 'resource_provider_spend_usd{provider="p",window="lifetime"} 1.0\n' in page
        assert all(f'resource_exporter_collector_success{{collector="{name}"}} 1.0\n' in page for name in SECTIONS)


async def test_a_reload_can_change_the_shard(ledger: str, tmp_path: Path) -> None:
    async with running(configure(ledger, tmp_path / "rollups", shard="eu")) as exporter:
        await exporter.shows('resource_provider_spend_usd{provider="p",window="1d",shard="eu"} 1.0')
        samples = [line for line in (await exporter.page()).splitlines() if not line.startswith("#")]
        assert [line for line in samples if 'shard="eu"' not in line] == []
        exporter.use(configure(ledger, tmp_path / "rollups", shard="us"))
        assert (await exporter.reload()).status == 200
        page = await exporter.page()
        assert 'resource_provider_spend_usd{provider="p",window="1d",shard="us"} 1.0\n' in page
        assert 'resource_exporter_ledger_up{ledger="costs",shard="us"} 1.0\n' in page
        assert 'shard="eu"' not in page
