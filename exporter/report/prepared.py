"""What all sections share beside the rollups: it is kept from report to report, and only what changed is computed again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from exporter.metrics import Metric, Sample
from exporter.report import labelling
from exporter.report.budgets import BudgetSums
from exporter.report.context import ReportContext, Row
from exporter.report.costs import CostSums
from exporter.report.labels import Labels
from exporter.report.leaders import Ranking
from exporter.report.outcomes import OutcomeSums
from exporter.report.rankings import Rankings
from exporter.rollups import LABELLING, Rollups
from exporter.rollups.changes import TotalChanges


@dataclass(frozen=True, slots=True)
class Prepared:
    """Sums of calls, budgets and judged tasks, the first tasks of rankings, and the labels of quests and models.

    ``revisions`` are those of the rollups, and ``windows`` those of the report, of which it was made. ``asked`` are the rows of
    queries that were asked before.
    """

    revisions: Counter[str]
    windows: Mapping[str, date]
    today: date
    costs: CostSums
    budgets: BudgetSums
    outcomes: OutcomeSums
    rankings: Rankings
    labels: Labels
    asked: dict[str, tuple[object, list[Row]]]

    def rows(self, context: ReportContext, ledger: str, query: str, **parameters: object) -> list[Row]:
        """The rows of a query over one ledger and the labels, which is asked again only when one of these has changed."""
        key = self.revisions[ledger], self.labels.names, parameters
        before = self.asked.get(query)
        if before is None or before[0] != key:
            self.asked[query] = key, context.rows(query, **parameters)
        return self.asked[query][1]

    def first(self, context: ReportContext, ranking: Ranking) -> list[list[Sample]]:
        """The first tasks of a ranking in all windows: samples of each of its values."""
        return self.rankings.first(context, ranking, self.labels)


class Preparer:
    """Prepares one report after the other over one connection to the rollups."""

    def __init__(self, rollups: Rollups, metrics: Sequence[Metric]) -> None:
        self._rollups = rollups
        self._metrics = metrics
        self._before: Prepared | None = None

    def prepare(self, context: ReportContext) -> Prepared:
        """What a report needs.

        Raises:
            duckdb.Error: a query failed; then all of it is computed again the next time.
        """
        before, revisions = self._before, self._rollups.revisions.copy()
        if before and (before.revisions, before.windows, before.today) == (revisions, context.windows, context.today):
            return before
        self._before = None
        changes = self._rollups.take_changes()
        same_days = before is not None and (before.windows, before.today) == (context.windows, context.today)
        if before is None or changes is None or not same_days or before.labels.folding:
            self._before = self._made(context, revisions, labelling.prepare(context, self._metrics))
            return self._before
        costs, outcomes = self._costs(context, before, changes), before.outcomes
        before.rankings.note(outcomes.add(context, changes, judged=before.revisions["impacts"] != revisions["impacts"]))
        named = self._labels(context, before, costs, outcomes)
        if named.folding:
            self._before = self._made(context, revisions, named)
        else:
            budgets = self._budgets(context, before, revisions, changes)
            self._before = replace(before, revisions=revisions, costs=costs, budgets=budgets, labels=named)
        return self._before

    def _made(self, context: ReportContext, revisions: Counter[str], named: Labels) -> Prepared:
        """All of it, summed up again. Where labels are folded, sums are not kept: which are folded may change with any call."""
        costs, outcomes = CostSums(context, folding=named.folding), OutcomeSums(context, folding=named.folding)
        moment = (revisions, context.windows, context.today)
        return Prepared(*moment, costs, BudgetSums(context), outcomes, Rankings(), named, {})

    def _costs(self, context: ReportContext, before: Prepared, changes: TotalChanges) -> CostSums:
        if "costs" not in context.config.ledgers:
            return CostSums(context, folding=False)
        before.costs.add(context, changes.totals["cost_days"])
        return before.costs

    def _budgets(self, context: ReportContext, before: Prepared, revisions: Counter[str], changes: TotalChanges) -> BudgetSums:
        if any(before.revisions[ledger] != revisions[ledger] for ledger in ("budgets", "allocations")):
            return BudgetSums(context)
        before.budgets.add(changes.totals["cost_days"])
        return before.budgets

    def _labels(self, context: ReportContext, before: Prepared, costs: CostSums, outcomes: OutcomeSums) -> Labels:
        """Those of the report before, unless something else is to be labelled now."""
        if (
            before.revisions[LABELLING] == self._rollups.revisions[LABELLING]
            and before.labels.fit(costs.cells)
            and before.labels.ranked == min(context.config.report.top, outcomes.judged)
        ):
            return before.labels
        return labelling.prepare(context, self._metrics)
