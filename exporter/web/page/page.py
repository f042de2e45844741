"""The page "Resource Dashboard": the five sections of the current snapshot as HTML that needs no script."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined

from exporter.calendar import ONE_DAY
from exporter.sections import spend, waste
from exporter.snapshot import Snapshot
from exporter.web.page import format as shown
from exporter.web.page import tables
from exporter.web.page.lookup import Lookup
from exporter.web.page.notes import notes

# The layers of the default profile have a colour of their own; any other layer has the neutral one.
LAYERS = ("Agora", "Atlas", "Exchange", "Forge", "Senate")
_NO_TODAY = "Today's spend by quest is not shown: report.windows has no 1d."


@dataclass(frozen=True, slots=True)
class PageContext:
    """What the page shows besides the snapshot: the version, and the target of a link."""

    version: str
    telemetry_path: str


class Page:
    """Renders snapshots. It keeps the latest page, so that reloading the page does not delay scrapes."""

    def __init__(self, context: PageContext) -> None:
        environment = Environment(
            loader=PackageLoader("exporter.web.page"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {name: getattr(shown, name) for name in ("amount", "money", "count", "percent")}
        environment.filters["badge"] = lambda layer: layer.lower() if layer in LAYERS else "other"
        self._template = environment.get_template("index.html")
        self._context = context
        self._latest: tuple[Snapshot | None, bytes] = (None, self._html(None).encode())
        style = environment.get_template("style.css").render()
        digest = b64encode(sha256(style.encode()).digest()).decode()
        self.content_security_policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )

    def body(self, snapshot: Snapshot | None) -> bytes:
        """Return the page of the snapshot as HTML in UTF-8; None: a page that says that there is none yet.

        All clients share the bytes, so that many of them take no more memory than one.
        """
        if snapshot is not self._latest[0]:
            self._latest = (snapshot, self._html(snapshot).encode())
        return self._latest[1]

    def _html(self, snapshot: Snapshot | None) -> str:
        return self._template.render(context=self._context, snapshot=snapshot, **(_report(snapshot) if snapshot else {}))


def _report(snapshot: Snapshot) -> dict[str, object]:
    """Return the tables of the page by their names in the template."""
    lookup = Lookup(snapshot.families)
    window = tables.window_shown(lookup) or tables.PREFERRED_WINDOW
    rows, more = tables.budget_table(lookup, snapshot.as_of)
    reasons = tables.waste_by_reason(lookup, window)
    nothing = None if waste.QUEST_USD.name in snapshot.absent else 0.0
    return {
        "window": window,
        "shortened": list(_shortened(snapshot, window)),
        "moment": partial(shown.moment, zone=snapshot.as_of.tzinfo),
        "allocation": tables.allocation_table(lookup),
        "budgets": rows,
        "more_budgets": more,
        "efficient": tables.efficient_tasks(lookup, window),
        "days": tables.timeline(lookup, snapshot.as_of.date()),
        "providers": tables.provider_table(lookup, window),
        "reasons": reasons,
        "wasted": tables.waste_total(reasons, nothing),
        "wasteful": tables.wasteful_tasks(lookup, window),
        "notes": notes(dict(snapshot.absent) | _not_today(lookup)),
    }


def _shortened(snapshot: Snapshot, window: str) -> Iterator[str]:
    """Say of which ledgers the oldest entry is in the window, so that it covers fewer days than its name says."""
    days = window.removesuffix("d")
    for ledger in snapshot.ledgers:
        if ledger.oldest_entry and days.isdecimal():
            day = ledger.oldest_entry.astimezone(snapshot.as_of.tzinfo).date()
            if day > snapshot.as_of.date() - (int(days) - 1) * ONE_DAY:
                yield f"The {ledger.name} ledger holds nothing before {day}, so {window} covers fewer days."


def _not_today(lookup: Lookup) -> dict[str, str]:
    """Why only today's spend is unknown, by the name of its metric."""
    windows = lookup.windows((spend.QUEST_SPEND,))
    return {spend.QUEST_SPEND.name: _NO_TODAY} if windows and tables.TODAY not in windows else {}
