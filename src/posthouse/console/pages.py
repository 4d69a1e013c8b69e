"""How a page is made: templates, language, theme, times, and the policy it is shown under.

Every address in a page is relative to it, so the console works below any sub-path of any proxy.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from posthouse.channels.markup import to_plain
from posthouse.console.asking import Ask
from posthouse.console.problems import Declined
from posthouse.console.words import words_of
from posthouse.look.pages import stamp_of, templates_of

PATH = "/console"
LANGUAGE_COOKIE, THEME_COOKIE = "posthouse_language", "posthouse_theme"
LANGUAGES, THEMES = ("zh", "en"), ("light", "dark", "auto")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
PACKAGE = "posthouse.console"  # whose templates and static files these are


class Times:
    """Times as people read them, in the house's zone."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def moment(self, at: float | None) -> str:
        """Show a time to the second; nothing for none."""
        return "" if at is None else f"{self._local(at):%m-%d %H:%M:%S}"

    def day(self, at: float) -> str:
        """Show a date with its year."""
        return f"{self._local(at):%Y-%m-%d}"

    def date(self, at: float | None) -> str:
        """Show a date and time with its year; nothing for none."""
        return "" if at is None else f"{self._local(at):%Y-%m-%d %H:%M}"

    def clock(self, at: float) -> str:
        """Show a time of day."""
        return f"{self._local(at):%H:%M}"

    def zone_name(self, at: float) -> str:
        """Name the zone."""
        return self._local(at).tzname() or "UTC"

    def _local(self, at: float) -> datetime:
        try:
            return datetime.fromtimestamp(at, self._zone)
        except (OverflowError, ValueError, OSError):  # a platform said nonsense
            return datetime.fromtimestamp(0, UTC)


def span(seconds: float | None) -> str:
    """Show how long something took."""
    if seconds is None:
        return "—"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.0f} h" if seconds < 2 * DAY_S else f"{seconds / DAY_S:.0f} d"


class Pages:
    """Makes pages."""

    def __init__(self, language: str, times: Times) -> None:
        self._language = language
        self.times = times
        self.stamp = stamp_of(PACKAGE)

    def show(self, ask: Ask, template: str, status: int = 200, **values: object) -> Response:
        """Show a page to an operator."""
        section = template.partition(".")[0].partition("_")[0]
        return self.plain(
            ask.request,
            template,
            status,
            visitor=ask.visitor,
            section=values.pop("section", section),
            done=ask.query("done"),
            **values,
        )

    def plain(
        self, request: Request, template: str, status: int = 200, **values: object
    ) -> Response:
        """Show a page to anybody."""
        language = self.language_of(request)
        html = (
            templates_of(PACKAGE)
            .get_template(template)
            .render(
                w=words_of(language),
                language=language,
                theme=self._theme_of(request),
                root=root_of(request),
                here=here_of(request),
                back_to=back_to(request),
                stamp=self.stamp,
                t=self.times,
                span=span,
                plain=to_plain,
                **values,
            )
        )
        return HTMLResponse(html, status, HEADERS)

    def problem(self, request: Request, declined: Declined) -> Response:
        """Say in words why something is not possible."""
        said = declined.said(self.language_of(request))
        return self.plain(request, "problem.html", declined.problem.status, said=said)

    def language_of(self, request: Request) -> str:
        """Return the language somebody chose, or their browser speaks, or the house's."""
        chosen = request.cookies.get(LANGUAGE_COOKIE, "")
        if chosen in LANGUAGES:
            return chosen
        accepted = request.headers.get("accept-language", "").strip()[:2].casefold()
        return accepted if accepted in LANGUAGES else self._language

    def _theme_of(self, request: Request) -> str:
        chosen = request.cookies.get(THEME_COOKIE, "")
        return chosen if chosen in THEMES else "auto"


def go(address: str) -> Response:
    """Lead to a page, relative to this one."""
    return RedirectResponse(address, status_code=303, headers=HEADERS)


def root_of(request: Request) -> str:
    """Return the way from this page to ``/console/``, whatever stands before it."""
    below = request.scope["path"].partition(f"{PATH}/")[2]
    return "../" * below.count("/") or "./"


def here_of(request: Request) -> str:
    """Return this page's own address, seen from itself."""
    name = request.scope["path"].rpartition("/")[2] or "./"
    query = request.url.query
    return f"{name}?{query}" if query else name


def back_to(request: Request) -> str:
    """Return this page as seen from ``/console/``; empty for the answer to a form."""
    if request.method != "GET":
        return ""
    below = str(request.scope["path"].partition(f"{PATH}/")[2])
    query = request.url.query
    return f"{below}?{query}" if query else below
