"""The distributions of the package, each built once."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

URL = "https://git.example/acme/resource-exporter"


@dataclass(frozen=True)
class Distributions:
    """The two files that are published."""

    wheel: Path
    sdist: Path


def build(source: Path, target: Path, **environment: str) -> Distributions:
    """Build both, with nothing in the environment but these variables."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target)]
    subprocess.run(command, cwd=source, env=environment, check=True, stdout=subprocess.DEVNULL)
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    return Distributions(wheel, sdist)


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """The wheel and the source distribution of the checkout."""
    return build(ROOT, tmp_path_factory.mktemp("dist"), RESOURCE_EXPORTER_PROJECT_URL="")


@pytest.fixture(scope="session")
def with_url(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """The same with the URL of the project."""
    return build(ROOT, tmp_path_factory.mktemp("linked"), RESOURCE_EXPORTER_PROJECT_URL=f"{URL}/")
