"""Write the SBOM of the package and the licences of all that it needs into dist/: ``python -m deploy.sbom``.

Both describe a virtual environment with the runtime packages of requirements.lock. The extras are not in it.
"""

import json
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing

from deploy import runtime
from exporter import __version__

ROOT = Path(__file__).parent.parent
NAME = f"resource_exporter-{__version__}"
ALLOWED = {
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "LGPL-3.0-only",
    "MIT",
    "MPL-2.0",
    "PSF-2.0",
    "Python-2.0",
    # Of packages that name no SPDX identifier.
    "License :: OSI Approved :: Apache Software License",
    "License :: OSI Approved :: BSD License",
}


class LicenceError(Exception):
    """A package has a licence that is not in ``ALLOWED``, or none. The message names all of them."""


def write(environment: Path, directory: Path) -> tuple[Path, Path]:
    """Write the SBOM (CycloneDX, JSON) and the licences (a line each) of a virtual environment; returns the two files.

    Raises:
        LicenceError: a licence is not allowed; nothing is written.
        CalledProcessError: cyclonedx-py fails.
    """
    described = _described(environment)
    listed = licences(described["components"])
    files = directory / f"{NAME}.cdx.json", directory / f"{NAME}.licences.txt"
    directory.mkdir(exist_ok=True)
    files[0].write_text(json.dumps(described, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    files[1].write_text("".join(f"{name}: {', '.join(found)}\n" for name, found in listed.items()), encoding="utf-8")
    return files


def licences(components: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """The licences of each component of an SBOM, by its name and version; raises LicenceError when one is not allowed."""
    found = {f"{each['name']} {each['version']}": sorted(_licences(each)) for each in components}
    if wrong := {name: each for name, each in found.items() if not each or not set(each) <= ALLOWED}:
        raise LicenceError(f"{wrong}; fix: replace the package, or add its licence to ALLOWED in deploy/sbom.py")
    return found


def _described(environment: Path) -> dict[str, Any]:
    """What cyclonedx-py says of the packages, with the version of the exporter, which is not in pyproject.toml.

    The exporter is the subject and not one of the packages, also where the environment has it.
    """
    program = Path(sys.executable).with_name("cyclonedx-py")
    options = [
        "--no-validate",
        "--output-reproducible",
        f"--pyproject={ROOT / 'pyproject.toml'}",
        str(environment / "bin/python"),
    ]
    said = subprocess.run([program, "environment", *options], check=True, capture_output=True)  # noqa: S603 - our own arguments
    described: dict[str, Any] = json.loads(said.stdout)
    described["metadata"]["component"] |= {"version": __version__, "purl": f"pkg:pypi/resource-exporter@{__version__}"}
    own = f"resource-exporter=={__version__}"
    described["components"] = [each for each in described["components"] if each["bom-ref"] != own]
    described["dependencies"] = [each for each in described["dependencies"] if each["ref"] != own]
    return described


def _licences(component: dict[str, Any]) -> Iterator[str]:
    """SPDX identifiers, and names where the package gives no identifier."""
    for each in component.get("licenses", ()):
        if "expression" in each:
            yield from get_spdx_licensing().license_keys(each["expression"])
        else:
            yield each["license"].get("id") or each["license"]["name"]


def main() -> None:
    """Install the packages into a temporary environment, write both files, and validate the SBOM by its schema."""
    with TemporaryDirectory() as directory:
        venv.create(directory, symlinks=True)
        runtime.install(Path(directory))
        files = write(Path(directory), ROOT / "dist")
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(files[0].read_text(encoding="utf-8")):
        sys.exit(f"{files[0]}: {error}")
    print(*(file.relative_to(ROOT) for file in files), sep="\n")


if __name__ == "__main__":
    main()
