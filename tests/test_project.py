"""The repository as a whole: the lock, the workflows, and strings that must not be in it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from exporter import __version__
from tests.conftest import ROOT
from tests.repository import tracked

# In parts, so that this file passes its own test.
REGISTRIES = re.compile(
    "|".join(["pypi" + r"\.org", "python" + "hosted", "/simp" + "le/", "npm" + "js", "proxy.golang" + r"\.org"])
)
TARGETS = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
TOLD = re.compile(r"`make ([a-z][a-z ]*?)(?: [A-Z]+=[^`]*)?`")
HOMES = re.compile("|".join(["/ro" + "ot/", "/ho" + "me/[a-z]", "/Us" + "ers/[A-Za-z]"]))


def test_version_is_printed() -> None:
    result = subprocess.run([sys.executable, "-m", "exporter", "--version"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert __version__ in result.stdout


def test_changelog_has_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[({re.escape(__version__)}|Unreleased)\]", changelog, re.MULTILINE)


@pytest.mark.parametrize("pattern", [REGISTRIES, HOMES], ids=["registry", "home"])
def test_no_file_names_a_registry_or_a_home_directory(pattern: re.Pattern[str]) -> None:
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8", errors="replace") for path in tracked()}
    assert {name: found[0] for name, text in texts.items() if (found := pattern.search(text))} == {}


def test_lock_pins_every_package_by_hash_and_names_no_source() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = re.findall(
        r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==\S+(?: ; .*)? \\\n    --hash=sha256:[0-9a-f]{64}", lock, re.MULTILINE
    )
    lines = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(packages) == len(lines)
    assert "://" not in lock


def test_no_module_is_longer_than_300_lines() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_bytes().splitlines()) for path in ROOT.glob("exporter/**/*.py")}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def _yaml(path: str) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def _commands() -> Iterator[str]:
    """What the workflows and the hooks run."""
    for path in ROOT.glob(".github/workflows/*.yml"):
        for job in _yaml(path.relative_to(ROOT).as_posix())["jobs"].values():
            yield from (step["run"] for step in job.get("steps", ()) if "run" in step)
    for repository in _yaml(".pre-commit-config.yaml")["repos"]:
        assert repository["repo"] == "local"
        yield from (hook["entry"] for hook in repository["hooks"])


def test_workflows_and_hooks_run_targets_and_programs_that_exist() -> None:
    commands = [command.split() for command in _commands()]
    assert [".ci/run"] in commands
    assert {target for program, *targets in commands if program == "make" for target in targets} <= TARGETS
    assert all(os.access(ROOT / program, os.X_OK) for program, *_ in commands if program.startswith("."))


def test_targets_that_pages_and_templates_name_exist() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")]
    named = {target for page in pages for told in TOLD.findall(page.read_text(encoding="utf-8")) for target in told.split()}
    assert {"test", "lint", "docs"} <= named <= TARGETS


def test_a_release_finds_the_version_in_the_package() -> None:
    (search,) = (command for command in _commands() if command.startswith("grep "))
    assert '"__version__ = \\"${GITHUB_REF_NAME#v}\\""' in search
    assert f'__version__ = "{__version__}"' in (ROOT / search.split()[-1]).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("form", ["bug", "idea"])
def test_the_forms_for_issues_ask_for_something(form: str) -> None:
    content = _yaml(f".github/ISSUE_TEMPLATE/{form}.yml")
    assert content.keys() == {"name", "description", "labels", "body"}
    fields = [field for field in content["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields) > 0
    assert any(field.get("validations", {}).get("required") for field in fields)
