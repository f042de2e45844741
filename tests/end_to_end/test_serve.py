"""``resource-exporter serve``: start, scrapes, failures, reload and stop."""

import gzip
import signal
from pathlib import Path

import psycopg
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

from exporter.sections import SECTIONS
from tests.end_to_end.process import LEDGERS, Exporter, running, serving

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def test_every_data_metric_is_served(exporter: Exporter) -> None:
    described = {line.split()[2] for line in exporter.page().splitlines() if line.startswith("# HELP")}
    expected = {metric.name for section in SECTIONS.values() for metric in section.METRICS}
    assert expected <= described


def test_both_formats_parse_and_have_the_same_samples(exporter: Exporter) -> None:
    plain = exporter.get("/metrics")
    rich = exporter.get("/metrics", Accept=OPENMETRICS, Accept_Encoding="gzip")
    assert rich.headers["Content-Encoding"] == "gzip"
    data = [
        {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples if not s.name.startswith(
            ("resource_exporter", "process", "python", "resource_budget_day", "resource_quest_budget",
             "resource_quest_projected"))}
        for families in (text(plain.body.decode()), openmetrics(gzip.decompress(rich.body).decode()))  # type: ignore[no-untyped-call]
    ]  # fmt: skip
    assert data[0] == data[1]
    assert len(data[0]) > 100


@pytest.mark.parametrize(
    "path, method, status",
    [
        ("/metrics", "GET", 200),
        ("/metrics", "HEAD", 200),
        ("/", "GET", 200),
        ("/-/healthy", "GET", 200),
        ("/-/ready", "GET", 200),
        ("/nowhere", "GET", 404),
        ("/metrics", "POST", 405),
        ("/-/reload", "GET", 405),
    ],
)
def test_paths_answer_with_the_right_status(exporter: Exporter, path: str, method: str, status: int) -> None:
    reply = exporter.get(path, method)
    assert reply.status == status
    assert (reply.body == b"") == (method == "HEAD")


def test_the_page_shows_the_five_sections(exporter: Exporter) -> None:
    page = exporter.get("/").body.decode()
    assert "<h1>Resource Dashboard</h1>" in page
    for title in ("Budget allocation", "Efficiency rankings", "Resource utilization", "Provider breakdown", "Wasted resources"):
        assert title in page
    assert "Peer &#34;review&#34;" in page


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(tmp_path: Path, known_ledger: str, how: signal.Signals) -> None:
    with serving(tmp_path, known_ledger) as exporter:
        assert exporter.stop(how) == 0
        assert "Traceback" not in exporter.log.read_text()
    with psycopg.connect(known_ledger) as connection:
        others = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'resource-exporter' AND datname = current_database()"
        ).fetchone()
    assert others == (0,)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yml", "exporter.log", "exporter.out", "rollups.duckdb"]


def test_neither_a_restart_nor_a_new_rollup_file_changes_a_sample(tmp_path: Path, known_ledger: str) -> None:
    pages = []
    for _ in range(2):
        with serving(tmp_path, known_ledger) as exporter:
            pages.append(exporter.data())
            exporter.stop()
    (tmp_path / "rollups.duckdb").unlink()
    with serving(tmp_path, known_ledger) as exporter:
        pages.append(exporter.data())
    assert pages[0] == pages[1] == pages[2]
    assert len(pages[0]) > 100


def test_a_restart_serves_while_the_database_is_down(tmp_path: Path, known_ledger: str) -> None:
    with serving(tmp_path, known_ledger) as exporter:
        before = exporter.data()
        exporter.stop()
    with serving(tmp_path, "host=/nowhere dbname=none") as exporter:
        assert exporter.data() == before
        exporter.until(lambda: 'resource_exporter_ledger_up{ledger="costs"} 0.0' in exporter.page())
        assert exporter.data() == before


def test_a_new_row_is_served_without_a_restart(exporter: Exporter, known_ledger: str) -> None:
    cell = 'resource_calls{quest_id="q9",quest="q9",layer="unknown",provider="Codex",model="gpt"} 1.0'
    assert cell not in exporter.page()
    with psycopg.connect(known_ledger) as connection:
        connection.execute(
            "INSERT INTO cost_ledger (created_at, quest_id, provider, model, cost_usd)"
            " VALUES (now() - interval '50 days', 'q9', 'codex', 'gpt', 1)"
        )
    exporter.until(lambda: cell in exporter.page())


def test_a_failing_ledger_is_down_and_recovers_without_a_restart(exporter: Exporter, known_ledger: str) -> None:
    with psycopg.connect(known_ledger, autocommit=True) as connection:
        connection.execute("ALTER TABLE cost_ledger RENAME TO elsewhere")
        exporter.until(lambda: 'resource_exporter_ledger_up{ledger="costs"} 0.0' in exporter.page())
        assert 'resource_exporter_ledger_up{ledger="impacts"} 1.0' in exporter.page()
        assert "resource_spend_usd{" in exporter.page()
        # The refresh in which the table is renamed may say it in PostgreSQL's words.
        exporter.until(lambda: "table cost_ledger does not exist" in exporter.log.read_text())
        connection.execute("ALTER TABLE elsewhere RENAME TO cost_ledger")
    exporter.until(lambda: 'resource_exporter_ledger_up{ledger="costs"} 1.0' in exporter.page())


def test_stale_data_are_withdrawn(tmp_path: Path, known_ledger: str) -> None:
    config = LEDGERS.replace("interval: 500ms", "interval: 300ms, stale_after: 5s")
    with serving(tmp_path, known_ledger, config) as exporter:
        with psycopg.connect(known_ledger, autocommit=True) as connection:
            connection.execute("ALTER TABLE cost_ledger RENAME TO elsewhere")
        exporter.until(lambda: "resource_spend_usd{" not in exporter.page())
        page = exporter.page()
        assert "resource_provider_impact_score{" not in page
        assert "resource_quest_allocation_usd{" in page


def test_without_any_ledger_it_is_healthy_but_not_ready(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(LEDGERS.format(timezone="UTC"))
    with running(tmp_path, "serve", f"--config.file={tmp_path / 'config.yml'}", LEDGERS_DSN="host=/nowhere") as exporter:
        assert exporter.get("/-/healthy").status == 200
        assert exporter.get("/-/ready").status == 503
        exporter.until(lambda: 'resource_exporter_ledger_up{ledger="costs"} 0.0' in exporter.page())


@pytest.mark.parametrize("flag", ["--web.listen-address=nonsense", "--config.file=missing.yml", "--web.telemetry-path=metrics"])
def test_a_wrong_flag_is_one_line(tmp_path: Path, flag: str) -> None:
    with pytest.raises(AssertionError), running(tmp_path, "serve", flag):
        pass
    said = (tmp_path / "exporter.log").read_text()
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1


def test_sighup_reloads_the_configuration_and_keeps_the_rollups(tmp_path: Path, known_ledger: str) -> None:
    with serving(tmp_path, known_ledger) as exporter:
        assert 'provider="MiniMax"' in exporter.page()
        text = (tmp_path / "config.yml").read_text()
        (tmp_path / "config.yml").write_text(text + "providers: {Acme: [minimax]}\n")
        exporter.process.send_signal(signal.SIGHUP)
        exporter.until(lambda: 'provider="Acme"' in exporter.page())
        assert 'provider="MiniMax"' not in exporter.page()
        assert exporter.log.read_text().count("built the rollups") == 2  # costs and impacts, once
        assert exporter.stop() == 0


def test_a_wrong_configuration_changes_nothing(tmp_path: Path, known_ledger: str) -> None:
    with serving(tmp_path, known_ledger, flags=["--web.enable-lifecycle"]) as exporter:
        before = exporter.data()
        (tmp_path / "config.yml").write_text("nonsense: true\n")
        reply = exporter.get("/-/reload", "POST")
        assert reply.status == 500
        assert b"nonsense" in reply.body
        assert "resource_exporter_config_last_reload_successful 0.0" in exporter.page()
        assert exporter.data() == before


def test_reload_over_http_must_be_enabled(exporter: Exporter) -> None:
    assert exporter.get("/-/reload", "POST").status == 403


def test_requests_that_are_not_http_are_not_logged(exporter: Exporter) -> None:
    before = exporter.log.read_text().count("\n")
    assert exporter.get("/metrics", X_Long="secret" * 3000).status == 400
    assert exporter.get("/metrics").status == 200
    assert "secret" not in exporter.log.read_text()
    assert exporter.log.read_text().count("\n") == before


def test_an_unusable_configuration_changes_nothing(tmp_path: Path, known_ledger: str) -> None:
    successful, remedy = (
        "resource_exporter_config_last_reload_successful {:.1f}",
        "fix: set state.path to a file in a writable directory",
    )
    with serving(tmp_path, known_ledger, flags=["--web.enable-lifecycle"]) as exporter:
        before = exporter.data()
        text = (tmp_path / "config.yml").read_text()
        (tmp_path / "config.yml").write_text(text.replace("rollups.duckdb", "missing/rollups.duckdb"))
        reply = exporter.get("/-/reload", "POST")
        said = f"reload failed: {tmp_path / 'missing/rollups.duckdb'} cannot be made; {remedy}\n"
        assert (reply.status, reply.body.decode()) == (500, said)
        assert successful.format(0) in exporter.page()
        assert exporter.data() == before
        (tmp_path / "config.yml").write_text(text + "providers: {Acme: [minimax]}\n")
        assert exporter.get("/-/reload", "POST").body == b"reloaded\n"
        assert successful.format(1) in exporter.page()
        assert 'provider="Acme"' in exporter.page()
        (tmp_path / "config.yml").write_text(text.replace("rollups.duckdb", "missing/rollups.duckdb"))
        exporter.process.send_signal(signal.SIGHUP)
        exporter.until(lambda: successful.format(0) in exporter.page())
        assert 'provider="Acme"' in exporter.page()
        assert exporter.stop() == 0
