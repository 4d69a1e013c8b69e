"""Says in the log when a bot loses its connection, when that becomes alarming, when it is back."""

from __future__ import annotations

import structlog

from posthouse.channels.channel import ConnectionState, Status
from posthouse.wakeup.wakeup import SENDS, Wakeup

log = structlog.get_logger("posthouse.connections")


class Connections:
    """Hears every change of every bot's connection and logs what an operator wants to know.

    A bot that is back has its sends hurried: whoever waits for one should not wait for a back-off.
    """

    def __init__(self, wakeup: Wakeup) -> None:
        self._wakeup = wakeup
        self._alarming: set[str] = set()
        self._connected: set[str] = set()  # of whom that was said

    def changed(self, bot: str, status: Status) -> None:
        """Hear of a change; an alarm is said once, and taken back once."""
        if status.state is ConnectionState.CONNECTED:
            self._wakeup.nudge(SENDS, bot.encode())
        is_back = self._is_back(bot, status)
        if status.is_alarming and bot not in self._alarming:
            self._alarming.add(bot)
            log.error(
                "bot_silent",
                bot=bot,
                state=status.state,
                failures=status.failures,
                detail=status.detail,
            )
        elif status.state is ConnectionState.OFF:
            self._alarming.discard(bot)
        elif bot in self._alarming and not status.is_alarming:
            self._alarming.remove(bot)
            log.warning("bot_recovered", bot=bot)
        elif status.state is ConnectionState.WAITING and status.failures == 1:
            log.warning("bot_disconnected", bot=bot, detail=status.detail)
        elif is_back:
            log.info("bot_connected", bot=bot)

    def _is_back(self, bot: str, status: Status) -> bool:
        """Whether it was not connected before; holding for long is news, but not that."""
        was_connected = bot in self._connected
        if status.state is ConnectionState.CONNECTED:
            self._connected.add(bot)
            return not was_connected
        self._connected.discard(bot)
        return False
