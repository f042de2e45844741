"""The wheel and the source distribution: what is in them, and what an index page shows."""

import re
import shutil
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from exporter import __version__
from tests.conftest import ROOT
from tests.package.conftest import URL, Distributions, build
from tests.repository import tracked

SHIPPED = {".yml", ".sql", ".html", ".css", ".svg", ".py", ".typed"}

in_a_checkout = pytest.mark.skipif(
    (ROOT / "PKG-INFO").exists(), reason="a source distribution keeps the description that it was made with"
)


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def unpacked(sdist: Path, directory: Path) -> Path:
    with tarfile.open(sdist) as opened:
        opened.extractall(directory, filter="data")
    return directory / sdist.name.removesuffix(".tar.gz")


def metadata(wheel: Path) -> Message:
    return message_from_bytes(contents(wheel)[f"resource_exporter-{__version__}.dist-info/METADATA"])


def test_the_wheel_has_the_whole_package_and_nothing_else(distributions: Distributions) -> None:
    expected = {path.relative_to(ROOT).as_posix() for path in tracked() if path.is_relative_to(ROOT / "exporter")}
    assert distributions.wheel.name == f"resource_exporter-{__version__}-py3-none-any.whl"
    assert {Path(name).suffix for name in expected} <= SHIPPED
    assert {name for name in contents(distributions.wheel) if ".dist-info/" not in name} == expected


def test_the_source_distribution_has_every_file_of_the_repository(distributions: Distributions, tmp_path: Path) -> None:
    source = unpacked(distributions.sdist, tmp_path)
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert files == {path.relative_to(ROOT).as_posix() for path in tracked()} | {"PKG-INFO"}


@in_a_checkout
@pytest.mark.parametrize("fixture", ["distributions", "with_url"])
def test_the_wheel_of_the_source_distribution_is_that_of_the_checkout(
    fixture: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    ours: Distributions = request.getfixturevalue(fixture)
    theirs = build(unpacked(ours.sdist, tmp_path), tmp_path / "theirs")
    assert contents(theirs.wheel) == contents(ours.wheel)


@in_a_checkout
def test_the_files_that_the_image_copies_are_enough_to_build(distributions: Distributions, tmp_path: Path) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (?!--from|requirements)(.*)$", dockerfile, re.MULTILINE):
        for name in line.split()[:-1]:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, tmp_path / name)
    assert contents(build(tmp_path, tmp_path / "dist").wheel) == contents(distributions.wheel)


@in_a_checkout
def test_without_a_url_the_description_has_no_relative_link_and_no_url_is_invented(distributions: Distributions) -> None:
    said = metadata(distributions.wheel)
    text = str(said.get_payload())
    assert said.get_all("Project-URL") is None
    assert said["Author"]
    assert said["License-Expression"] == "Apache-2.0"
    assert text.startswith("# Resource Exporter\n")
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []
    paths = re.findall(r"\(`([^`]+)`\)", text)
    assert "docs/metrics.md" in paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


@in_a_checkout
def test_with_a_url_links_and_urls_are_those_of_the_version(with_url: Distributions) -> None:
    said = metadata(with_url.wheel)
    assert said.get_all("Project-URL") == [
        f"Source, {URL}",
        f"Issues, {URL}/issues",
        f"Documentation, {URL}/blob/v{__version__}/README.md#documentation",
        f"Changelog, {URL}/blob/v{__version__}/CHANGELOG.md",
        f"Security, {URL}/blob/v{__version__}/SECURITY.md",
    ]
    linked = re.findall(rf"(!?)\[[^\]]*\]\({URL}/(blob|raw)/v{re.escape(__version__)}/([^)#]+)", str(said.get_payload()))
    assert {kind for image, kind, _ in linked if image} == {"raw"}
    assert {kind for image, kind, _ in linked if not image} == {"blob"}
    assert [path for _, _, path in linked if not (ROOT / path).exists()] == []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(linked) == len(re.findall(r"\]\((?!https:)", readme))
