"""``posthouse invite``: a link that lets somebody into the web chat from elsewhere."""

from __future__ import annotations

from posthouse.cli.terminal import OK, Terminal
from posthouse.settings.data_directory import owner_of
from posthouse.settings.settings import Settings

HOUR_S = 3600.0


def invite(settings: Settings, bot: str, hours: float) -> int:
    """Print a signed link that expires.

    Args:
        settings: the house's.
        bot: the web bot people are to talk with.
        hours: how long the link is good; 0 for the bot's usual time.

    Raises:
        OperatorMistake: the bot lets nobody in by links.
    """
    from posthouse.bootstrap import invitation

    terminal = Terminal()
    link = invitation(settings, bot, hours * HOUR_S)
    if settings.server.public_url:
        terminal.line(link)
        return OK
    owner = owner_of(settings.data)
    here = (
        owner.url if owner is not None else f"http://{settings.server.host}:{settings.server.port}"
    )
    terminal.line(here + link)
    terminal.warn(
        "别人打不开时，把地址换成他们能访问的机器名，或设置 server.public_url。",
        "If others cannot open it, put the name of this machine that they can reach in front,"
        " or set server.public_url.",
    )
    return OK
