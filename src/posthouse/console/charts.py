"""Small charts, drawn here as SVG: no script, no library, readable in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from markupsafe import Markup

WIDTH, HEIGHT, FOOT = 320.0, 84.0, 16.0
GAP_SHARE = 0.3  # of a bar's room


def bars(values: Sequence[float], labels: Sequence[str], name: str, tone: str = "") -> Markup:
    """Draw a bar for each value; ``labels`` are shown when somebody points at one."""
    top = max([*values, 1.0])
    step = WIDTH / max(1, len(values))
    drawn = []
    for place, (value, label) in enumerate(zip(values, labels, strict=True)):
        height = HEIGHT * value / top
        x, y, width = place * step, HEIGHT - height, step * (1 - GAP_SHARE)
        drawn.append(
            f'<g><title>{escape(label)}</title><rect class="room" x="{x:.1f}" y="0"'
            f' width="{step:.1f}" height="{HEIGHT:.0f}"/><rect class="bar {tone}" x="{x:.1f}"'
            f' y="{y:.1f}" width="{width:.1f}" height="{max(height, 1.0):.1f}" rx="1.5"/></g>'
        )
    return _chart("".join(drawn), labels, name)


def lines(
    middles: Sequence[float | None],
    tops: Sequence[float | None],
    labels: Sequence[str],
    name: str,
) -> Markup:
    """Draw a line through ``middles`` above an area up to ``tops``; None leaves a gap."""
    highest = max([value for value in (*middles, *tops) if value is not None] or [1.0]) or 1.0
    step = WIDTH / max(1, len(middles))

    def at(place: int, value: float) -> str:
        return f"{(place + 0.5) * step:.1f},{HEIGHT - (HEIGHT - 4) * value / highest:.1f}"

    drawn = []
    for run in _runs(middles):
        areas = [at(place, tops[place] or 0.0) for place in run]
        foot = f"{(run[-1] + 0.5) * step:.1f},{HEIGHT:.0f} {(run[0] + 0.5) * step:.1f},{HEIGHT:.0f}"
        middle = " ".join(at(place, middles[place] or 0.0) for place in run)
        drawn.append(f'<polygon class="area" points="{" ".join(areas)} {foot}"/>')
        drawn.append(f'<polyline class="line" points="{middle}"/>')
        if len(run) == 1:
            x, y = middle.split(",")
            drawn.append(f'<circle class="dot" cx="{x}" cy="{y}" r="2.5"/>')
    for place, label in enumerate(labels):
        drawn.append(
            f'<rect class="room" x="{place * step:.1f}" y="0" width="{step:.1f}"'
            f' height="{HEIGHT:.0f}"><title>{escape(label)}</title></rect>'
        )
    return _chart("".join(drawn), labels, name)


def _runs(values: Sequence[float | None]) -> list[list[int]]:
    """Return the stretches without gaps, as places."""
    runs: list[list[int]] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _chart(drawn: str, labels: Sequence[str], name: str) -> Markup:
    """Put the drawing into its frame, with the first, middle and last hour below."""
    places = [0, len(labels) // 2, len(labels) - 1] if labels else []
    anchors = ("start", "middle", "end")
    feet = "".join(
        f'<text x="{WIDTH * share:.0f}" y="{HEIGHT + FOOT - 3:.0f}" text-anchor="{anchor}">'
        f"{escape(labels[place].split(' ')[0])}</text>"
        for place, anchor, share in zip(places, anchors, (0, 0.5, 1), strict=False)
    )
    return Markup(  # noqa: S704 - every word in it was escaped above
        f'<svg class="chart" viewBox="0 0 {WIDTH:.0f} {HEIGHT + FOOT:.0f}" role="img"'
        f' aria-label="{escape(name)}" preserveAspectRatio="none">{drawn}'
        f'<line class="ground" x1="0" x2="{WIDTH:.0f}" y1="{HEIGHT:.0f}" y2="{HEIGHT:.0f}"/>'
        f"{feet}</svg>"
    )
