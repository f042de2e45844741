"""One file for each rule in tests/configs; the comment at its top is what must be said about it."""

from itertools import takewhile
from pathlib import Path

import pytest

from exporter import config
from exporter.web import access

CONFIGS = Path(__file__).parents[1] / "configs"
LOADERS = {"bad": config.load, "bad_web": access.load}
PASSWORD = "hunter2"


@pytest.mark.parametrize(
    "name", sorted(file.relative_to(CONFIGS).as_posix() for kind in LOADERS for file in (CONFIGS / kind).iterdir())
)
def test_what_is_wrong_is_said_exactly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, _, file = name.partition("/")
    monkeypatch.chdir(CONFIGS / kind)
    comments = takewhile(lambda line: line.startswith("# "), Path(file).read_text(encoding="utf-8").splitlines())

    with pytest.raises(config.ConfigError) as caught:
        LOADERS[kind](Path(file))

    assert str(caught.value).splitlines() == [comment.removeprefix("# ") for comment in comments]
    assert PASSWORD not in str(caught.value)
    assert caught.value.__context__ is None, "the cause would carry the values of the file into a traceback"
