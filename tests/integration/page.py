"""The samples of the model as exact numbers, and its sums."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Labels = frozenset[tuple[str, str]]
Amount = Decimal | Fraction | int | None


class Page:
    """Samples by metric and label set."""

    def __init__(self) -> None:
        self.samples: dict[str, dict[Labels, Fraction]] = defaultdict(dict)

    def put(self, metric: str, names: Iterable[str], values: Iterable[str], amount: Fraction | int) -> None:
        """Add one sample; its label set must be new."""
        labels = frozenset(zip(names, values, strict=True))
        assert labels not in self.samples[metric], f"{metric} twice: {labels}"
        self.samples[metric][labels] = Fraction(amount)


def sums(amounts: Iterable[tuple[Key, Amount]]) -> dict[Key, Fraction]:
    """The sum of the amounts of each key; NULL is ignored."""
    totals: dict[Key, Fraction] = defaultdict(Fraction)
    for key, amount in amounts:
        totals[key] += Fraction(amount or 0)
    return totals
