"""The table of guarantees, made from what each channel says it can do.

``python -m posthouse.cli.laboratory.guarantees`` prints it; ``docs/guarantees.md`` holds it between
two marks, and a test holds the two equal.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from pydantic import SecretStr

from posthouse.channels.feishu.settings import FeishuOptions
from posthouse.channels.onebot.settings import OneBotOptions
from posthouse.channels.web.channel import CAPABILITIES as WEB
from posthouse.model.capabilities import Capabilities, DraftKind, SendsFrom
from posthouse.model.delivery import DOUBT_WAIT_S, KEY_MARGIN_S

BEGIN, END = "<!-- made from Capabilities: begin -->", "<!-- end -->"
HEADER = (
    "| channel | said twice? | how doubt ends | take back | edit | growing answer | sends from |",
    "|---|---|---|---|---|---|---|",
)
FOREVER_S = 1e8  # three years are as good as for ever


def table(capabilities: Mapping[str, Capabilities]) -> str:
    """Return a row for each channel."""
    return "\n".join((*HEADER, *(_row(name, can) for name, can in capabilities.items())))


def _row(name: str, can: Capabilities) -> str:
    cells = (
        f"`{name}`",
        _repeats(can),
        _doubt(can),
        _within(can.can_recall, can.recall_window_s),
        _within(can.can_edit, can.edit_window_s),
        "no" if can.draft is DraftKind.NONE else f"yes, as {can.draft}",
        "the gateway with the connection" if can.sends_from is SendsFrom.CONNECTION else "any",
    )
    return f"| {' | '.join(cells)} |"


def _repeats(can: Capabilities) -> str:
    if can.can_overwrite:
        return "never: a repeat overwrites"
    if can.resend_key_window_s > KEY_MARGIN_S:
        good_s = can.resend_key_window_s - KEY_MARGIN_S
        return "never" if good_s > FOREVER_S else f"never within {_span(good_s)}"
    if can.can_look_up:
        return f"only where a search for {_span(DOUBT_WAIT_S)} told nothing; then once, marked"
    return "at most once per unclear call, marked"


def _doubt(can: Capabilities) -> str:
    ways = []
    if can.resend_key_window_s > KEY_MARGIN_S:
        ways.append("sent again under the same key")
    if can.can_look_up:
        ways.append("the chat is searched")
    if can.can_overwrite:
        ways.append("written again under the same id")
    if can.resend_key_window_s < FOREVER_S and not can.can_overwrite:
        ways.append("one marked repeat (broadcasts: none, listed as doubtful)")
    return "; then ".join(ways)


def _within(is_possible: bool, window_s: float) -> str:  # noqa: FBT001 - a column of the table
    if not is_possible:
        return "no"
    return "yes" if window_s > FOREVER_S else f"within {_span(window_s)}"


def _span(seconds: float) -> str:
    for unit, unit_s in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:g} {unit}"
    return f"{seconds:g} s"


def shipped() -> dict[str, Capabilities]:
    """Return what a bot of each channel can do with its settings left as they are."""
    feishu = FeishuOptions(app_id="cli_example", app_secret=SecretStr("example")).capabilities()
    return {
        "web": WEB,
        "feishu": feishu,
        "lark": feishu,
        "onebot": OneBotOptions().capabilities(),
    }


def main() -> None:
    """Print the table."""
    sys.stdout.write(table(shipped()) + "\n")


if __name__ == "__main__":
    main()
