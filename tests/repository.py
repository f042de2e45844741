"""The files of the repository, as git knows them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT


def tracked() -> list[Path]:
    """The files of the repository, also those that are not committed yet; skips the test where there is no git."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    # In CI the tests run as root, and the checkout may belong to another user.
    git = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for path in map(ROOT.joinpath, listed.stdout.splitlines()) if path.is_file()]
