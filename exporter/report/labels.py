"""How quests, models and providers are labelled in a report."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from exporter.metrics import Labels as LabelValues
from exporter.report.costs import Cell


@dataclass(frozen=True)
class Labels:
    """How quests and models are called, by their numbers, and provider families by their names.

    ``folded`` is how many series were folded into ``other``, and ``folding`` whether that may change with spend. ``ranked`` is
    how many tasks a ranking may have. ``called`` are the quests and the models that had calls, and ``most_cells`` is how many
    quests may have calls of how many models before there would be too many series. ``attributed`` is whether calls tell quests.
    """

    quests: Mapping[int, LabelValues]
    models: Mapping[int, LabelValues]
    providers: Mapping[str, str]
    folded: int
    folding: bool
    ranked: int
    called: tuple[set[int], set[int]]
    most_cells: int
    attributed: bool

    @property
    def spenders(self) -> Mapping[int, LabelValues]:
        """Those of ``quests`` whose spend is known, though it be 0."""
        return {quest: values for quest, values in self.quests.items() if self.attributed or quest in self.called[0]}

    @property
    def names(self) -> tuple[object, ...]:
        """All that series are labelled with."""
        return self.quests, self.models, self.providers, self.spenders

    def fit(self, cells: Collection[Cell]) -> bool:
        """Whether these labels can be kept for the quests and models that now have calls."""
        return not self.folding and self.called == called(cells) and len(cells) <= self.most_cells


def called(cells: Iterable[Cell]) -> tuple[set[int], set[int]]:
    """The quests and the models of these cells."""
    return {quest for quest, _ in cells}, {model for _, model in cells}
