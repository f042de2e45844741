"""How quests, models and providers are labelled in a report."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from exporter.metrics import Labels as LabelValues
from exporter.report.costs import Cell


@dataclass(frozen=True)
class Labels:
    """How quests and models are called, by their numbers, and provider families by their names.

    ``folded`` is how many series were folded into ``other``, and ``folding`` whether that may change with spend. ``ranked`` is
    how many tasks a ranking of all quests may have, and ``quest_top`` how many one of each quest. ``called`` are the quests and
    models that had calls, and ``cells`` is how many quests may have calls of how many models: with fewer, rankings could be
    longer; with more, there would be too many series. ``attributed`` is whether calls tell quests.
    """

    quests: Mapping[int, LabelValues]
    models: Mapping[int, LabelValues]
    providers: Mapping[str, str]
    folded: int
    folding: bool
    ranked: int
    quest_top: int
    called: tuple[set[int], set[int]]
    cells: range
    attributed: bool

    @property
    def spenders(self) -> Mapping[int, LabelValues]:
        """Those of ``quests`` whose spend is known, though it be 0."""
        return {quest: values for quest, values in self.quests.items() if self.attributed or quest in self.called[0]}

    @property
    def names(self) -> tuple[object, ...]:
        """All that says which series there are."""
        return self.quests, self.models, self.providers, self.spenders, self.quest_top

    def fit(self, cells: Collection[Cell]) -> bool:
        """Whether these labels can be kept for the quests and models that now have calls."""
        return not self.folding and self.called == called(cells) and len(cells) in self.cells


def called(cells: Iterable[Cell]) -> tuple[set[int], set[int]]:
    """The quests and the models of these cells."""
    return {quest for quest, _ in cells}, {model for _, model in cells}
