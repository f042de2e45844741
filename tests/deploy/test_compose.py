"""docker-compose.yml and the files that it mounts: paths exist, and ports and names match."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.cli import main
from exporter.config import load
from exporter.demo.__main__ import SCHEMA
from exporter.demo.run import VARIABLE
from tests.conftest import ROOT
from tests.rules.rulebook import DEFAULTS


def _yaml(path: str) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def _default(text: str) -> str:
    """A value as Compose expands it when no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


COMPOSE: dict[str, Any] = _yaml("docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {"history", "history-import"}
CONFIG = "/etc/resource-exporter/config.yml"
STATE = "/var/lib/resource-exporter"
PROMETHEUS = "deploy/compose/prometheus.yml"

every_service = pytest.mark.parametrize("name", SERVICES)


def _mounts(name: str) -> dict[str, str]:
    """The path of the checkout or the name of the volume by mount point."""
    pairs = (_default(volume).split(":") for volume in SERVICES[name].get("volumes", []))
    return {target: source for source, target, *_ in pairs}


def _port(name: str) -> int:
    """The single port of a service, the same inside and outside."""
    (published,) = SERVICES[name]["ports"]
    address, outside, inside = published.split(":")
    assert (address, outside) == ("127.0.0.1", inside)
    return int(inside)


def _provisioned(kind: str, key: str | None = None) -> list[dict[str, Any]]:
    """All entries of the provisioning files of one kind."""
    files = (ROOT / "grafana/provisioning" / kind).glob("*.y*ml")
    return [entry for file in files for entry in _yaml(str(file))[key or kind]]


def test_services_and_profiles() -> None:
    profiles = {name: service.get("profiles", []) for name, service in SERVICES.items()}
    assert profiles == {
        "postgres": ["demo"],
        "fleet": ["demo"],
        **{name: [] for name in ("exporter", "history", "history-import", "prometheus", "alertmanager", "grafana")},
    }


@every_service
def test_images_are_pinned_to_a_version_or_built_here(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        assert (service["image"], service["build"]["context"]) == ("resource-exporter:local", ".")
    else:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", service["image"])


@every_service
def test_ports_are_open_on_this_machine_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_every_address_is_the_usual_one() -> None:
    ports = {name: _port(name) for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"exporter": 9877, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}


@every_service
def test_every_service_runs_without_privileges(name: str) -> None:
    service = SERVICES[name]
    if name != "postgres":  # which starts as root, to own its volume, and continues as postgres
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    if service["image"].startswith(("resource-exporter", "prom/")):
        assert service["read_only"] is True
        if name != "alertmanager":
            assert service["tmpfs"] == ["/tmp"]  # promtool and Python write temporary files there


@every_service
def test_every_service_has_a_healthcheck_unless_it_runs_once(name: str) -> None:
    service = SERVICES[name]
    if name in ONCE:
        assert service["healthcheck"] == {"disable": True}
        assert "restart" not in service
    else:
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"


def test_the_healthcheck_of_the_exporter_is_that_of_the_image() -> None:
    (command,) = re.findall(r"^ +CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert SERVICES["exporter"]["healthcheck"]["test"] == ["CMD", *json.loads(command)]


@every_service
def test_every_dependency_can_be_satisfied(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert how["condition"] == ("service_completed_successfully" if other in ONCE else "service_healthy")
        optional = SERVICES[other].get("profiles", []) != SERVICES[name].get("profiles", [])
        assert how.get("required", True) is not optional


def test_the_history_is_imported_before_prometheus_starts() -> None:
    assert "resource-exporter backfill" in SERVICES["history"]["command"][0]
    assert re.search(r"promtool tsdb create-blocks-from .*openmetrics", SERVICES["history-import"]["command"][0])
    assert list(SERVICES["history-import"]["depends_on"]) == ["history"]
    assert "history-import" in SERVICES["prometheus"]["depends_on"]
    assert SERVICES["history-import"]["image"] == SERVICES["prometheus"]["image"]
    assert _mounts("history")[STATE] == _mounts("history-import")["/history"] == "history"
    assert _mounts("history-import")["/prometheus"] == _mounts("prometheus")["/prometheus"] == "prometheus"


def test_the_history_has_the_labels_of_the_scrape() -> None:
    (scrape,) = _yaml(PROMETHEUS)["scrape_configs"]
    (target,) = scrape["static_configs"][0]["targets"]
    labels = re.findall(r"--(job|instance)=(\S+)", SERVICES["history"]["command"][0])
    assert labels == [("job", scrape["job_name"]), ("instance", target)]


def test_every_mounted_path_exists_and_every_volume_is_used() -> None:
    sources = {source for name in SERVICES for source in _mounts(name).values()}
    paths = {source for source in sources if source.startswith(".")}
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert sources - paths == set(COMPOSE["volumes"])


@pytest.mark.parametrize(
    "name, mounted",
    [
        ("prometheus", {"/etc/prometheus/prometheus.yml": f"./{PROMETHEUS}", "/etc/prometheus/rules": "./rules"}),
        ("alertmanager", {"/etc/alertmanager/alertmanager.yml": "./alertmanager.yml"}),
    ],
)
def test_the_configuration_is_mounted_at_the_path_of_the_command(name: str, mounted: dict[str, str]) -> None:
    assert mounted.items() <= _mounts(name).items()
    assert f"--config.file={next(iter(mounted))}" in SERVICES[name]["command"]


def test_prometheus_finds_its_rules_the_exporter_and_alertmanager() -> None:
    config = _yaml(PROMETHEUS)
    directory = Path("/etc/prometheus")
    assert {str(directory / Path(pattern).parent) for pattern in config["rule_files"]} <= _mounts("prometheus").keys()
    (scrape,) = config["scrape_configs"]
    assert scrape["job_name"] == "resource-exporter"
    assert scrape["static_configs"] == [{"targets": [f"exporter:{_port('exporter')}"]}]
    (notified,) = config["alerting"]["alertmanagers"]
    assert notified["static_configs"] == [{"targets": [f"alertmanager:{_port('alertmanager')}"]}]


def test_prometheus_on_this_machine_differs_by_the_host_names_only() -> None:
    text = (ROOT / PROMETHEUS).read_text(encoding="utf-8")
    for name in ("exporter", "alertmanager"):
        assert text.count(f"{name}:{_port(name)}") == 1
        text = text.replace(f"{name}:{_port(name)}", f"localhost:{_port(name)}")
    assert yaml.safe_load(text) == _yaml("prometheus.yml")


def test_links_in_alerts_lead_to_open_ports_and_their_labels_are_dropped() -> None:
    config = _yaml(PROMETHEUS)
    assert {
        "dashboards_url": f"http://localhost:{_port('grafana')}",
        "runbooks_url": f"http://localhost:{_port('exporter')}/-/alerts",
    } == DEFAULTS
    assert "external_labels" not in config["global"]
    (relabel,) = config["alerting"]["alert_relabel_configs"]
    assert relabel["action"] == "labeldrop"
    assert set(relabel["regex"].split("|")) == DEFAULTS.keys()


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    mounts = _mounts("grafana")
    (datasource,) = _provisioned("datasources")
    assert (datasource["type"], datasource["url"]) == ("prometheus", f"http://prometheus:{_port('prometheus')}")
    (provider,) = _provisioned("dashboards", "providers")
    assert mounts[provider["options"]["path"]] == "./grafana/dashboards"
    assert mounts["/etc/grafana/provisioning"] == "./grafana/provisioning"


def test_grafana_opens_with_the_resource_dashboard_for_anonymous_viewers() -> None:
    environment = SERVICES["grafana"]["environment"]
    home = Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    file = ROOT / _mounts("grafana")[str(home.parent)] / home.name
    assert json.loads(file.read_text(encoding="utf-8"))["title"] == "Resource Dashboard"
    assert (environment["GF_AUTH_ANONYMOUS_ENABLED"], environment["GF_AUTH_ANONYMOUS_ORG_ROLE"]) == ("true", "Viewer")


@pytest.mark.parametrize("name", ["fleet", "exporter", "history"])
def test_the_configuration_of_the_demo_reads_what_the_fleet_writes(name: str) -> None:
    service = SERVICES[name]
    config = load(ROOT / _mounts(name)[CONFIG])
    (database,) = config.databases.values()
    dsn = _default(service["environment"][database.dsn_env])
    postgres = SERVICES["postgres"]["environment"]
    host = "{POSTGRES_USER}:{POSTGRES_PASSWORD}@postgres/{POSTGRES_DB}".format(**postgres)
    assert dsn == f"postgresql://{host}?options=-csearch_path%3D{SCHEMA}"
    assert SERVICES["fleet"]["environment"][VARIABLE] == f"postgresql://{host}"
    assert set(config.ledgers) == {"costs", "impacts", "allocations", "quests"}
    assert config.state.path.parent == Path(STATE)
    if name != "fleet":  # which uses it for `check` only
        assert STATE in _mounts(name)


def test_the_commands_and_their_flags_exist(capsys: pytest.CaptureFixture[str]) -> None:
    texts = [" ".join(service.get("command", []) + service["healthcheck"].get("test", [])) for service in SERVICES.values()]
    calls = re.findall(r"resource-exporter (\w+) ([^\n;]*)", " \n".join(texts))
    calls.append(("serve", " ".join(SERVICES["exporter"]["command"][1:])))
    assert {command for command, _ in calls} == {"serve", "check", "backfill"}
    for command, flags in calls:
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        described = capsys.readouterr().out
        assert all(flag in described for flag in re.findall(r"--[\w.]+", flags))
