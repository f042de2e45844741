"""What a run says of the bars."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bench.bars import Bar

Measurements = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says of a bar; the value is None when it was not measured."""

    bar: Bar
    value: float | None

    @property
    def met(self) -> bool:
        """Whether it was measured, and on the right side."""
        return self.value is not None and self.bar.sense.holds(self.value, self.bar.limit)

    @property
    def missed(self) -> bool:
        """Whether it was measured, and not on the right side."""
        return self.value is not None and not self.met


def judge(bars: Iterable[Bar], measured: Measurements, days: Mapping[str, float]) -> list[Verdict]:
    """The verdict on every bar, named for a run whose ledgers have so many days."""
    return [Verdict(replace(bar, what=bar.what.format(**days)), _value(bar, measured)) for bar in bars]


def conclusion(verdicts: list[Verdict], *, counts: bool) -> str:
    """``all bars met``, or which fall short, and which were not measured. A miss that does not count is information."""
    missed = "; ".join(each.bar.what for each in verdicts if each.missed)
    unmeasured = "; ".join(each.bar.what for each in verdicts if each.value is None)
    if not missed:
        said = "all measured bars met" if unmeasured else "all bars met"
    else:
        said = (
            f"falls short: {missed}"
            if counts
            else f"for information, as the bars are those of the full size, not met: {missed}"
        )
    return f"{said}. Not measured: {unmeasured}" if unmeasured else said


def _value(bar: Bar, measured: Measurements) -> float | None:
    value = measured.get(bar.measurement)
    if value is None or bar.against is None:
        return value
    against = measured.get(bar.against)
    return value / against if against else None
