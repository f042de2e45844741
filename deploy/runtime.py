"""The packages of requirements.lock that the exporter needs at run time, without the tools of development."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
ENTRY = re.compile(r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==.*(?:\n    .*)*\n", re.MULTILINE)


def requirements(*extras: str) -> str:
    """The entries of the lock, with their hashes, for the exporter with these of its extras."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    needed = _closure(_declared(extras))
    return "".join(entry[0] for entry in ENTRY.finditer(lock) if entry[1] in needed)


def install(environment: Path, *extras: str) -> None:
    """Install these packages into a virtual environment, checked against the hashes of the lock.

    Raises:
        CalledProcessError: a package cannot be installed.
    """
    listed = environment / "requirements.txt"
    listed.write_text(requirements(*extras), encoding="utf-8")
    pip(
        environment,
        "install",
        "--no-deps",
        "--no-compile",
        "--require-hashes",
        "--only-binary=:all:",
        f"--requirement={listed}",
    )


def pip(environment: Path, *arguments: str) -> None:
    """Run pip on a virtual environment, which needs no pip itself; raises CalledProcessError."""
    options = ["--disable-pip-version-check", "--quiet", f"--python={environment / 'bin/python'}"]
    subprocess.run([sys.executable, "-m", "pip", *options, *arguments], check=True)  # noqa: S603 - our own arguments


def _declared(extras: Iterable[str]) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = (line for extra in extras for line in project["optional-dependencies"][extra])
    return [Requirement(line) for line in (*project["dependencies"], *optional)]


def _closure(declared: Iterable[Requirement]) -> set[str]:
    """The names of the packages and of all that they need, from the metadata of those installed here."""
    found: set[tuple[str, str]] = set()
    ahead = {pair for each in declared for pair in _pairs(each)}
    while ahead:
        found |= ahead
        ahead = {below for name, extra in ahead for below in _needed(name, extra)} - found
    return {name for name, _ in found}


def _needed(name: str, extra: str) -> Iterator[tuple[str, str]]:
    for line in distribution(name).requires or ():
        each = Requirement(line)
        if each.marker is None or each.marker.evaluate({"extra": extra}):
            yield from _pairs(each)


def _pairs(requirement: Requirement) -> Iterator[tuple[str, str]]:
    """The name of a package with no extra, and with each of its extras."""
    yield from ((canonicalize_name(requirement.name), extra) for extra in ("", *requirement.extras))
