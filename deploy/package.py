"""Pack the Helm chart or the mixin into dist/, with rules/ and grafana/dashboards/: ``python -m deploy.package chart``.

The same files give the same bytes: members are sorted and have neither times nor owners.
"""

import argparse
import gzip
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from deploy.generate import ROOT, dump, groups
from exporter import __version__

CHART = ROOT / "deploy/helm/resource-exporter"
MIXIN = ROOT / "deploy/mixin"

Files = Mapping[str, bytes]
"""The content of files by their path in an archive."""


def chart() -> tuple[str, Files]:
    """Return the name and the files of the chart."""
    own = {path.relative_to(CHART.parent).as_posix(): path.read_bytes() for path in CHART.rglob("*") if path.is_file()}
    rules = {f"{CHART.name}/files/rules.yaml": dump({"groups": groups()}).encode()}
    return f"{CHART.name}-{__version__}.tgz", {**own, **rules, **_dashboards(f"{CHART.name}/files/dashboards")}


def mixin() -> tuple[str, Files]:
    """Return the name and the files of the mixin."""
    files = {
        "README.md": (MIXIN / "README.md").read_bytes(),
        "prometheus_alerts.yaml": dump({"groups": groups("alerts.yml")}).encode(),
        "prometheus_rules.yaml": dump({"groups": groups("thresholds.yml", "recording.yml")}).encode(),
        **_dashboards("dashboards_out"),
    }
    name = "resource-exporter-mixin"
    return f"{name}.tar.gz", {f"{name}/{path}": content for path, content in files.items()}


def _dashboards(folder: str) -> Files:
    return {f"{folder}/{path.name}": path.read_bytes() for path in (ROOT / "grafana/dashboards").glob("*.json")}


def archive(files: Files) -> bytes:
    """Return the files as a compressed tar archive."""
    packed = BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed, tarfile.open(fileobj=compressed, mode="w") as members:
        for path, content in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size = len(content)
            members.addfile(member, BytesIO(content))
    return packed.getvalue()


def main() -> None:
    """Write one archive and print its path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["chart", "mixin"])
    parser.add_argument("--directory", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    name, files = {"chart": chart, "mixin": mixin}[options.what]()
    options.directory.mkdir(exist_ok=True)
    (options.directory / name).write_bytes(archive(files))
    print(options.directory / name)


if __name__ == "__main__":
    main()
