"""The packed chart."""

from pathlib import Path

import pytest

from deploy import package


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive that `make chart` writes."""
    name, files = package.chart()
    path = tmp_path_factory.mktemp("chart") / name
    path.write_bytes(package.archive(files))
    return path
