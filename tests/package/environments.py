"""New virtual environments, of each Python that is installed, and what the lock says that they need."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINNED = dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==(\S+)", LOCK, re.MULTILINE))
NEEDED_BY = re.compile(r"^([a-z0-9-]+)\S*==.*\n(?:    --hash.*\n)+((?:    #.*\n)+)", re.MULTILINE)
OURS = "{}.{}".format(*sys.version_info)
"""The version that runs the tests."""


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel, and a directory for the files of a test."""

    environment: Path
    directory: Path

    def run(self, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, which knows nothing of the checkout."""
        command = [str(self.environment / "bin" / program), *arguments]
        return subprocess.run(
            command, cwd=self.directory, env=clean() | environment, capture_output=True, text=True, check=False
        )

    def said(self, program: str, *arguments: str, **environment: str) -> str:
        """The output of a program, which must succeed without a word on standard error."""
        ended = self.run(program, *arguments, **environment)
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout


def clean() -> dict[str, str]:
    """The environment of this process without what would lead to the checkout."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE", "RESOURCE_EXPORTER"))
    }


def interpreter(version: str) -> str | None:
    """A Python of this version, on the path or in pyenv; None where there is none."""
    if version == OURS:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    named = [shutil.which(f"python{version}"), *pyenv.glob(f"versions/{version}.*/bin/python{version}")]
    return next((str(path) for path in named if path and _runs(str(path), version)), None)


def _runs(path: str, version: str) -> bool:
    """Whether it is this version; the shims of pyenv may be for none."""
    ended = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return ended.stdout.startswith(f"Python {version}.")


def create(python: str, environment: Path) -> Path:
    """A virtual environment without pip; returns it."""
    if python == sys.executable:
        venv.create(environment, symlinks=True)
    else:
        subprocess.run([python, "-m", "venv", "--without-pip", environment], check=True)
    return environment


def closure() -> dict[str, str]:
    """The version of each package that a dependency of the project needs, as pip-compile noted who needs what."""
    needs = defaultdict(set)
    for name, comment in NEEDED_BY.findall(LOCK):
        for by in re.findall(r"(?:via|#  ) ([a-z0-9-]+)", comment):
            needs[by].add(name)
    found: set[str] = set()
    ahead = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    while ahead:
        found |= ahead
        ahead = {name for by in ahead for name in needs[by]} - found
    return {name: PINNED[name] for name in found}
