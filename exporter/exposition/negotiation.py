"""Proactive content negotiation (RFC 9110, section 12) over the fixed set of bodies that the exporter has rendered."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import product

# Any client can send a header: longer ones are negotiated, but not cached.
LONGEST_REMEMBERED = 1024

_ALIASES = {"x-gzip": "gzip"}  # RFC 9110, section 8.4.1.3

_WORD = r"[\w!#$%&'*+.^`|~-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_WEIGHT = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?", re.ASCII)
_NAME = re.compile(rf"{_WORD}(?:/{_WORD})?", re.ASCII)
_PARAMETER = re.compile(rf"({_WORD})=({_WORD}|{_QUOTED})", re.ASCII | re.DOTALL)
# A quote that is never closed swallows the rest of the header, so what follows it is not taken for a range.
_PIECES = {separator: re.compile(rf'(?:[^{separator}"]|{_QUOTED}|".*)+', re.DOTALL) for separator in ",;"}


class Format(Enum):
    """The two text formats, with their media type parameters."""

    TEXT = ("text/plain", "0.0.4")
    OPENMETRICS = ("application/openmetrics-text", "1.0.0")

    def __init__(self, media_type: str, version: str) -> None:
        self.media_type = media_type
        self.parameters: Mapping[str, str] = {"version": version, "charset": "utf-8"}
        self.content_type = f"{media_type}; version={version}; charset=utf-8"


class Encoding(Enum):
    """The content codings, in order of preference."""

    GZIP = "gzip"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Representation:
    """A format and an encoding: the key of a body."""

    format: Format
    encoding: Encoding


REPRESENTATIONS = tuple(Representation(*pair) for pair in product(Format, Encoding))


@dataclass(frozen=True, slots=True)
class _Range:
    """One element of a header, in lower case: a media range or a coding, its parameters and its weight, 0 to 1."""

    name: str
    parameters: Mapping[str, str]
    q: float


def negotiate(accept: str | None, accept_encoding: str | None) -> Representation | None:
    """Return the representation that the client prefers, or None if it accepts none (status 406).

    The arguments are the header values: several headers of one name are joined by commas, and None means absent. An element
    that violates the grammar is ignored, and a header without a valid element counts as absent. On equal weights the more
    specific range wins, then text 0.0.4.
    """
    if len(accept or "") + len(accept_encoding or "") > LONGEST_REMEMBERED:
        return _negotiate(accept, accept_encoding)
    return _remembered(accept, accept_encoding)


def _negotiate(accept: str | None, accept_encoding: str | None) -> Representation | None:
    media_format = _format(accept)
    encoding = _encoding(accept_encoding)
    return Representation(media_format, encoding) if media_format and encoding else None


_remembered = lru_cache(maxsize=256)(_negotiate)


def _format(accept: str | None) -> Format | None:
    ranges = [each for each in _ranges(accept or "") if "/" in each.name]
    if not ranges:
        return Format.TEXT
    (q, _), best = max(((_preference(each, ranges), each) for each in Format), key=lambda choice: choice[0])
    return best if q > 0 else None


def _preference(offer: Format, ranges: list[_Range]) -> tuple[float, int]:
    """Return the weight of the offer by its most specific range, and the specificity of that range (0: none matches)."""
    specificity, q = max(((_specificity(offer, each), each.q) for each in ranges), key=lambda match: match)
    return (q, specificity) if specificity else (0, 0)


def _specificity(offer: Format, asked: _Range) -> int:
    """Return how specifically the range matches the offer: 0 (no match), ``*/*``, ``type/*``, the type, parameters."""
    known = {key: value for key, value in asked.parameters.items() if key in offer.parameters}
    if any(value != offer.parameters[key] for key, value in known.items()):
        return 0
    ladder = ("*/*", offer.media_type.split("/")[0] + "/*", offer.media_type)
    return 1 + ladder.index(asked.name) * (1 + len(offer.parameters)) + len(known) if asked.name in ladder else 0


def _encoding(accept_encoding: str | None) -> Encoding | None:
    if accept_encoding is None:
        return Encoding.IDENTITY
    weights: dict[str, float] = {}
    for each in _ranges(accept_encoding):
        weights.setdefault(_ALIASES.get(each.name, each.name), each.q)
    # RFC 9110, section 12.5.3: identity is acceptable unless excluded. If not listed, it ranks below the listed codings.
    least = {Encoding.GZIP: 0.0, Encoding.IDENTITY: 0.0001}
    best = max(Encoding, key=lambda each: weights.get(each.value, weights.get("*", least[each])))
    return best if weights.get(best.value, weights.get("*", least[best])) > 0 else None


def _ranges(header: str) -> Iterator[_Range]:
    for element in _split(header, ","):
        name, _, parameters = element.partition(";")
        pairs = [_PARAMETER.fullmatch(parameter) for parameter in _split(parameters, ";")]
        values = {pair[1].lower(): _unquoted(pair[2]).lower() for pair in pairs if pair}
        weight = _WEIGHT.fullmatch(values.pop("q", "1"))
        if weight and all(pairs) and _NAME.fullmatch(name.rstrip(" \t")):
            yield _Range(name.rstrip(" \t").lower(), values, float(weight[0]))


def _split(text: str, separator: str) -> list[str]:
    """Split outside of quoted strings, without empty pieces, which the grammar allows."""
    return [piece for found in _PIECES[separator].findall(text) if (piece := found.strip(" \t"))]


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL) if value.startswith('"') else value
