"""The image: small, pinned, not root, and built only from the lock and the checkout."""

import re

from exporter import __version__
from tests.conftest import ROOT

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LINES = [line for line in TEXT.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
STAGES = "\n".join(LINES).split("FROM ")[1:]
LAST = STAGES[-1]


def test_stages_are_two_of_one_pinned_image() -> None:
    assert [stage.splitlines()[0] for stage in STAGES] == ["${BASE} AS build", "${BASE}"]
    assert re.fullmatch(r"ARG BASE=python:3\.\d+\.\d+-slim-bookworm", LINES[0])


def test_dependencies_are_those_of_the_lock_by_hash() -> None:
    downloads = [line for line in LINES if "pip download" in line]
    assert len(downloads) == 1
    assert "--require-hashes" in downloads[0]
    assert "--requirement=requirements.lock" in downloads[0]
    steps = [step.strip() for line in LINES if line.startswith("RUN pip wheel") for step in line.split("&&")]
    assert ["--no-index" in step for step in steps if step.startswith("pip ") or "RUN pip" in step] == [True, True]


def test_it_runs_as_a_numeric_user_that_is_not_root() -> None:
    (user,) = re.findall(r"^USER (\d+):\d+$", LAST, re.MULTILINE)
    assert int(user) >= 1000
    assert f"echo exporter:x:{user}:{user}:" in LAST


def test_it_writes_into_its_volume_only() -> None:
    assert re.findall(r"^VOLUME (.+)$", LAST, re.MULTILINE) == ["/var/lib/resource-exporter"]
    assert "PYTHONDONTWRITEBYTECODE=1" in LAST


def test_the_healthcheck_checks_the_process_and_not_the_ledgers() -> None:
    (check,) = re.findall(r"^HEALTHCHECK .*$", LAST, re.MULTILINE)
    assert "http://127.0.0.1:9877/-/healthy" in check
    assert re.findall(r"^EXPOSE (\d+)$", LAST, re.MULTILINE) == ["9877"]


def test_its_label_has_the_version() -> None:
    assert re.findall(r"org\.opencontainers\.image\.version=(\S+)", LAST) == [__version__]


def test_copied_files_exist_and_are_not_ignored() -> None:
    copied = [name for line in LINES if re.match(r"COPY (?!--from)", line) for name in line.split()[1:-1]]
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {f"!{name}" for name in copied} == {line for line in ignore if line.startswith("!")}
    assert ignore[1] == "*"
