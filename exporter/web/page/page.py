"""The page "Resource Dashboard": the five sections of the current snapshot as HTML that needs no script."""

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined

from exporter import palette
from exporter.snapshot import Snapshot
from exporter.web.page import format as shown
from exporter.web.page import tables
from exporter.web.page.lookup import Lookup
from exporter.web.page.rows import Use
from exporter.web.page.view import view

REFRESH_SECONDS = 15
"""How often a browser asks for the page again, by the header ``Refresh``."""


@dataclass(frozen=True, slots=True)
class PageContext:
    """What the page shows besides the snapshot: the version, and the target of a link."""

    version: str
    telemetry_path: str


@dataclass(frozen=True, slots=True)
class _Current:
    """A snapshot, the windows to choose from, and the pages that were asked for, by window and refresh."""

    snapshot: Snapshot | None = None
    lookup: Lookup = field(default_factory=lambda: Lookup(()))
    windows: tuple[str, ...] = ()
    bodies: dict[tuple[str, bool], bytes] = field(default_factory=dict)


class Page:
    """Renders snapshots. It keeps the pages of the latest one, so that reloading a page does not delay scrapes.

    ``alerts`` is the page with the runbooks of the alerts, as HTML in UTF-8. It is the same for all snapshots.
    """

    def __init__(self, context: PageContext) -> None:
        environment = _environment()
        self._template = environment.get_template("index.html")
        self._context = context
        self._current = _Current()
        style = environment.get_template("style.css").render()
        digest = b64encode(sha256(style.encode()).digest()).decode()
        self.content_security_policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        self.alerts = environment.get_template("alerts.html").render(context=context).encode()
        self.body(None)

    def body(self, snapshot: Snapshot | None, window: str | None = None, *, refresh: bool = True) -> bytes:
        """Return the page of the snapshot as HTML in UTF-8; None: a page that says that there is none yet.

        ``window`` is that of the rankings: any text; the default is in the place of an unknown one. ``refresh`` is whether
        the page is to say that it refreshes itself. All clients share the bytes, at most two pages for each window of the
        report, so that many of them take no more memory than one.
        """
        if snapshot is not self._current.snapshot:
            lookup = Lookup(snapshot.families if snapshot else ())
            self._current = _Current(snapshot, lookup, tuple(tables.windows_of(lookup)))
        current = self._current
        chosen = tables.window_shown(current.windows, window)
        if (chosen, refresh) not in current.bodies:
            current.bodies[chosen, refresh] = self._html(current, chosen, refresh=refresh).encode()
        return current.bodies[chosen, refresh]

    def _html(self, current: _Current, window: str, *, refresh: bool) -> str:
        report = view(current.snapshot, current.lookup, window) if current.snapshot else {}
        return self._template.render(
            context=self._context,
            snapshot=current.snapshot,
            windows=current.windows,
            window=window,
            refresh=refresh,
            seconds=REFRESH_SECONDS,
            **report,
        )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("exporter.web.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(shown, name) for name in ("amount", "count", "dollars", "money", "percent", "span")}
    environment.filters["badge"] = lambda layer: layer.lower() if layer in palette.LAYERS else "other"
    environment.globals |= {"palette": palette, "use": Use}
    return environment
