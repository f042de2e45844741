"""The values of the chart: each is used, documented and checked."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import package
from tests.deploy.cases import EVERYTHING, WITHOUT
from tests.deploy.rendering import NAME, called, helm, one

SOURCE = package.CHART
VALUES = yaml.safe_load((SOURCE / "values.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((SOURCE / "values.schema.json").read_text(encoding="utf-8"))
ROWS = re.findall(
    r"^\| `([\w.]+)` \| (?:`(.*?)`|see `values.yaml`) \|", (SOURCE / "README.md").read_text(encoding="utf-8"), re.MULTILINE
)
UNTOUCHED = {"config.existingConfigMap", "config.existingSecret", "persistence.emptyDirSizeLimit"}
"""Values that exclude others of the case in which everything is set. They, and the switches, are tested elsewhere."""
SWITCH = re.compile(r"\.(enabled|create)$")

pytestmark = pytest.mark.prometheus("helm")


def _leaves(schema: dict[str, Any], values: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - YAML
    """Each value that the schema describes; None where it is not set."""
    if "properties" not in schema:
        yield path, values
    for name, inner in schema.get("properties", {}).items():
        if (path, name) != ("", "global"):
            yield from _leaves(inner, (values or {}).get(name), f"{path}.{name}".lstrip("."))


def _scalars(values: Any) -> Iterator[str]:  # noqa: ANN401 - YAML
    """All texts and numbers of values."""
    if isinstance(values, dict):
        yield from (text for value in values.values() for text in _scalars(value))
    elif isinstance(values, list):
        yield from (text for value in values for text in _scalars(value))
    elif not isinstance(values, bool):
        yield str(values)


def test_every_value_is_used(chart: Path, tmp_path: Path) -> None:
    set_here = {name for name, value in _leaves(SCHEMA, EVERYTHING) if value is not None}
    unset = {name for name, _ in _leaves(SCHEMA, VALUES)} - set_here
    assert {name for name in unset if not SWITCH.search(name)} == UNTOUCHED
    objects = helm(chart, EVERYTHING, tmp_path)
    (container,) = one(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    used = {*_scalars(objects), *container["image"].split(":")}
    assert set(_scalars(EVERYTHING)) - used == {""}
    kinds = {each["kind"] for each in objects}
    assert {"Secret", "ServiceMonitor", "PrometheusRule", "PodDisruptionBudget", "NetworkPolicy", "ServiceAccount"} <= kinds
    assert {each["kind"] for each in helm(chart, WITHOUT, tmp_path)} == {"StatefulSet", "Service", "Pod"}


def test_connection_strings_can_be_variables_and_the_rollup_file_can_be_kept(chart: Path, tmp_path: Path) -> None:
    spec = one(helm(chart, EVERYTHING, tmp_path), "StatefulSet")["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert container["env"] == [
        {"name": "LEDGER_DSN", "valueFrom": {"secretKeyRef": {"name": "ledgers", "key": "dsn"}}},
        {"name": "TZ", "value": "UTC"},
        {"name": "RESOURCE_EXPORTER_WEB_CONFIG_FILE", "value": "/run/secrets/resource-exporter-web/web.yml"},
    ]
    assert [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]] == ["state"]
    assert {volume["name"] for volume in pod["volumes"]} == {"config", "ca", "web"}
    assert {mount["name"] for mount in container["volumeMounts"]} == {"config", "ca", "web", "state"}


@pytest.mark.parametrize(
    "name, volume",
    [
        ("existingConfigMap", {"configMap": {"name": "own"}}),
        ("existingSecret", {"secret": {"secretName": "own", "defaultMode": 0o440}}),
    ],
)
def test_an_existing_configuration_is_mounted(chart: Path, tmp_path: Path, name: str, volume: dict[str, Any]) -> None:
    objects = helm(chart, {"config": {name: "own"}}, tmp_path)
    assert one(objects, "StatefulSet")["spec"]["template"]["spec"]["volumes"][0] == {"name": "config", **volume}
    assert {each["kind"] for each in objects}.isdisjoint({"ConfigMap", "Secret"})


def test_a_new_configuration_replaces_the_pods(chart: Path, tmp_path: Path) -> None:
    first, second = (
        one(helm(chart, {"config": {"text": f"timezone: {zone}"}}, tmp_path), "StatefulSet")["spec"]["template"]["metadata"]
        for zone in ("UTC", "Asia/Kolkata")
    )
    assert first["annotations"] != second["annotations"]


def refused(chart: Path, release: str, *values: str) -> str:
    """What helm says of values that it refuses."""
    command = ["helm", "template", release, str(chart), *(f"--set={value}" for value in values)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    return ended.stderr


@pytest.mark.parametrize(
    "wrong, place",
    [
        ("replica=2", ""),
        ("image.digest=x", "/image"),
        ("persistence.accessModes={Never}", "/persistence/accessModes/0"),
        ("dsn.env.A.name=x", "/dsn/env/A"),
        ("replicas=-1,service.port=0", "/replicas /service/port"),
        ("podAnnotations.a b=c", ""),
        ("service.port=65536,networkPolicy.postgresPorts={0}", "/service/port /networkPolicy/postgresPorts/0"),
        ("fullnameOverride=Costs,image.tag=a b", "/fullnameOverride /image/tag"),
        ("fullnameOverride=1st,config.existingSecret=a_b", "/fullnameOverride /config/existingSecret"),
        (
            "serviceMonitor.interval=15,serviceMonitor.scrapeTimeout=0s",
            "/serviceMonitor/interval /serviceMonitor/scrapeTimeout",
        ),
        ("serviceMonitor.interval=1m30s,serviceMonitor.namespace=a.b", "/serviceMonitor/interval /serviceMonitor/namespace"),
        ("persistence.size=1GB,persistence.emptyDirSizeLimit=-1", "/persistence/size /persistence/emptyDirSizeLimit"),
        ("podLabels.team=a b,podDisruptionBudget.maxUnavailable=1x", "/podLabels/team /podDisruptionBudget/maxUnavailable"),
    ],
)
def test_a_wrong_value_is_refused(chart: Path, wrong: str, place: str) -> None:
    said = refused(chart, NAME, wrong)
    assert "values don't meet the specifications of the schema" in said
    assert set(re.findall(r"^- at '(.*?)'", said, re.MULTILINE)) == set(place.split(" "))


@pytest.mark.parametrize("release", ["1st", "a.b"])
def test_a_release_that_cannot_name_a_service_is_refused(chart: Path, release: str) -> None:
    said = f"{release}-{NAME} cannot be the name of a Service; fix: set fullnameOverride to "
    assert said in refused(chart, release)
    rendered = called("helm", "template", release, chart, "--set=fullnameOverride=costs")
    names = {each["metadata"]["name"] for each in yaml.safe_load_all(rendered)}
    assert names == {"costs", "costs-config", "costs-check"}


@pytest.mark.parametrize("interval, timeout", [("15s", "15001ms"), ("2h", "121m")])
def test_a_scrape_must_not_take_longer_than_the_interval(chart: Path, interval: str, timeout: str) -> None:
    monitor = {"enabled": "true", "interval": interval, "scrapeTimeout": timeout}
    said = refused(chart, NAME, *(f"serviceMonitor.{name}={value}" for name, value in monitor.items()))
    assert f"serviceMonitor.scrapeTimeout {timeout} is longer than serviceMonitor.interval {interval}; fix: " in said


def test_a_scrape_may_take_as_long_as_the_interval(chart: Path, tmp_path: Path) -> None:
    monitor = {"enabled": True, "interval": "1m", "scrapeTimeout": "60s"}
    (endpoint,) = one(helm(chart, {"serviceMonitor": monitor}, tmp_path), "ServiceMonitor")["spec"]["endpoints"]
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("1m", "60s")


def test_every_value_is_in_the_table_and_in_the_schema() -> None:
    described = dict(_leaves(SCHEMA, VALUES))  # helm refuses a value that is not in the schema
    assert [name for name, _ in ROWS] == list(described)
    shown = {name: json.loads(default) for name, default in ROWS if default}
    assert shown == {name: described[name] for name in shown}
    assert described.keys() - shown.keys() == {
        "config.text",
        "podSecurityContext",
        "securityContext",
        "resources",
        "networkPolicy.from",
    }
