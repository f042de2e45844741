"""deploy/helm: the chart gives the objects of deploy/kubernetes, and its values are documented and checked."""

import re
import shlex
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy import package
from exporter import __version__
from exporter.config import parse
from tests.conftest import ROOT
from tests.deploy.cases import CASES, MONITORED, OF_PAGE, PAGE, PROTECTED
from tests.deploy.rendering import NAME, called, comparable, helm, kustomize, one, with_component

SOURCE = package.CHART
MANIFESTS = ROOT / "deploy/kubernetes"
OPERATOR = "monitoring.coreos.com/v1"
VERSIONS = ("1.25", kubernetes_validate.latest_version())
"""Of Kubernetes: the oldest and the newest that are supported."""
pytestmark = pytest.mark.prometheus("helm", "kubectl")
every_case = pytest.mark.parametrize("values", CASES.values(), ids=CASES)


@pytest.mark.parametrize("values, folder", [({}, "."), (MONITORED, "monitoring")], ids=["base", "monitoring"])
def test_it_gives_the_objects_of_the_manifests(chart: Path, tmp_path: Path, values: dict[str, Any], folder: str) -> None:
    base = comparable(kustomize(MANIFESTS))
    expected = base | (comparable(kustomize(MANIFESTS / folder)) if values else {})
    assert comparable(helm(chart, values, tmp_path)) == expected
    assert len(expected) == (13 if values else 6)


def test_it_is_protected_as_the_manifests(chart: Path, tmp_path: Path) -> None:
    folders = {"base": (".", "protected"), "monitoring": ("monitoring", "monitoring/protected")}
    expected: dict[tuple[str, str, str], Any] = {}
    for name, (base, component) in folders.items():
        (tmp_path / name).mkdir()
        expected |= comparable(kustomize(with_component(tmp_path / name, base, component)))
    assert comparable(helm(chart, PROTECTED, tmp_path)) == expected


@every_case
def test_kubernetes_accepts_every_object(chart: Path, tmp_path: Path, values: dict[str, Any]) -> None:
    objects = helm(chart, values, tmp_path)
    for each in (each for each in objects if each["apiVersion"] != OPERATOR):
        for version in VERSIONS:
            kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("folder", [".", "monitoring"])
def test_kubernetes_accepts_the_manifests(folder: str) -> None:
    for each in (each for each in kustomize(MANIFESTS / folder) if each["apiVersion"] != OPERATOR):
        for version in VERSIONS:
            kubernetes_validate.validate(each, version, strict=True)


@every_case
def test_helm_finds_nothing(chart: Path, tmp_path: Path, values: dict[str, Any]) -> None:
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    found = called("helm", "lint", "--strict", f"--values={tmp_path / 'values.yaml'}", chart)
    assert re.findall(r"\[(?:WARNING|ERROR)\].*", found) == []


def test_its_rules_and_dashboards_are_not_forgotten(tmp_path: Path) -> None:
    for name, what in {"prometheusRule": "rules", "dashboards": "dashboards"}.items():
        refused = subprocess.run(
            ["helm", "template", NAME, SOURCE, f"--set={name}.enabled=true"], capture_output=True, text=True, check=False
        )
        assert f"the chart has no {what}; fix: install the archive that `make chart` writes" in refused.stderr


def test_a_protected_exporter_is_scraped_with_a_password(chart: Path) -> None:
    values = ["--set=web.existingSecret=web", "--set=serviceMonitor.enabled=true"]
    refused = subprocess.run(["helm", "template", NAME, chart, *values], capture_output=True, text=True, check=False)
    assert "serviceMonitor.existingSecret is missing; fix: " in refused.stderr


def test_it_has_the_version_of_the_exporter() -> None:
    described = yaml.safe_load((SOURCE / "Chart.yaml").read_text(encoding="utf-8"))
    assert (described["version"], described["appVersion"]) == (__version__, __version__)


def test_the_archive_is_the_same_every_time(chart: Path) -> None:
    name, files = package.chart()
    assert package.archive(files) == chart.read_bytes()
    assert name == f"{NAME}-{__version__}.tgz"
    with tarfile.open(chart) as members:
        assert {member.name for member in members} == set(files)


def test_the_notes_say_what_is_missing(chart: Path) -> None:
    notes = called("helm", "install", NAME, chart, f"--namespace={NAME}", "--dry-run=client").split("NOTES:\n")[1]
    assert f"kubectl create secret generic resource-exporter-dsn --namespace={NAME} --from-file=ledger-dsn" in notes
    assert f"kubectl port-forward --namespace={NAME} {NAME}-0 9877" in notes


def test_the_commands_of_the_page_install_it(chart: Path, tmp_path: Path) -> None:
    (command,) = re.findall(r"^helm install .*$", PAGE, re.MULTILINE)
    (tmp_path / "values.yaml").write_text(OF_PAGE, encoding="utf-8")
    (tmp_path / "dist").mkdir()
    shutil.copy(chart, tmp_path / "dist")
    called(*shlex.split(command), "--dry-run=client", folder=tmp_path)
    objects = helm(chart, yaml.safe_load(OF_PAGE), tmp_path)
    config = parse(one(objects, "ConfigMap", f"{NAME}-config")["data"]["config.yml"], "config.yml")
    (database,) = config.databases.values()
    (variable,) = one(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert (config.profile, database.dsn_env) == ("litellm", variable["name"])
    assert {each["kind"] for each in objects} >= {"ServiceMonitor", "PrometheusRule"}
