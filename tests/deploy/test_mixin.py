"""The monitoring mixin: its archive has all rules and dashboards, and the rules work from there."""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import package
from tests.conftest import ROOT

RULES = ("prometheus_alerts.yaml", "prometheus_rules.yaml")
UNIT_TEST = "identity.yml"


@pytest.fixture(scope="module")
def mixin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in the archive that `make mixin` writes."""
    name, files = package.mixin()
    folder = tmp_path_factory.mktemp("mixin")
    with tarfile.open(fileobj=BytesIO(package.archive(files))) as members:
        members.extractall(folder, filter="data")
    return folder / name.removesuffix(".tar.gz")


def _groups(*paths: Path) -> list[Any]:
    groups = (group for path in paths for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"])
    return sorted(groups, key=lambda group: group["name"])


def test_it_has_every_rule_once(mixin: Path) -> None:
    assert _groups(*(mixin / name for name in RULES)) == _groups(*ROOT.glob("rules/*.yml"))
    kinds = [{kind for group in _groups(mixin / name) for rule in group["rules"] for kind in rule} for name in RULES]
    assert ["alert" in kinds[0], "record" in kinds[1]] == [True, True]
    assert ["record" in kinds[0], "alert" in kinds[1]] == [False, False]


def test_it_has_every_dashboard(mixin: Path) -> None:
    packed = {path.name: path.read_bytes() for path in (mixin / "dashboards_out").iterdir()}
    assert packed == {path.name: path.read_bytes() for path in ROOT.glob("grafana/dashboards/*.json")}


def test_its_page_names_its_files(mixin: Path) -> None:
    page = (mixin / "README.md").read_text(encoding="utf-8")
    assert [name for name in (*RULES, "dashboards_out/") if f"`{name}" not in page] == []
    assert {path.name for path in mixin.iterdir()} == {"README.md", "dashboards_out", *RULES}


@pytest.mark.prometheus("promtool")
def test_its_rules_pass_a_unit_test_of_the_rules(mixin: Path) -> None:
    case = yaml.safe_load((ROOT / "rules/tests" / UNIT_TEST).read_text(encoding="utf-8"))
    (mixin / "case.yml").write_text(yaml.safe_dump({**case, "rule_files": list(reversed(RULES))}), encoding="utf-8")
    tested = subprocess.run(["promtool", "test", "rules", mixin / "case.yml"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    (mixin / "case.yml").unlink()


@pytest.mark.prometheus("promtool")
def test_promtool_finds_nothing(mixin: Path) -> None:
    checked = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", *(mixin / name for name in RULES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
