"""Profiles: known schemas mapped onto the ledgers. Each is a YAML file in this package."""

from importlib.resources import files

_SUFFIX = ".yml"


def names() -> tuple[str, ...]:
    """The names of all profiles, sorted."""
    return tuple(sorted(file.name.removesuffix(_SUFFIX) for file in files(__name__).iterdir() if file.name.endswith(_SUFFIX)))


def read(name: str) -> str:
    """Return the YAML of a profile.

    Raises:
        FileNotFoundError: there is no such profile.
    """
    return files(__name__).joinpath(name + _SUFFIX).read_text(encoding="utf-8")
