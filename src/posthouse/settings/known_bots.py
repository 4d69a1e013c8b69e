"""Bots by a platform's own variables: set together, they are a bot, without a line of settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from posthouse.settings.language import Said

WEB = "web"  # the bot of a house without settings; it stays beside the others


class KnownBot(Struct, frozen=True, kw_only=True):
    """The variables that make a bot: key of its table → name of the variable."""

    channels: tuple[str, ...]  # the first is the bot's; a table with any of them goes before it
    needed: Mapping[str, str]
    further: Mapping[str, str] = {}

    @property
    def name(self) -> str:
        """What the bot is called, like its channel."""
        return self.channels[0]

    def missing(self, environ: Mapping[str, str]) -> tuple[str, ...]:
        """Name what else must be set; everything missing means that nobody wants this bot."""
        return tuple(name for name in self.needed.values() if not environ.get(name))

    def has(self, tables: Mapping[str, object]) -> bool:
        """Whether the settings have a bot on this platform already."""
        return any(
            isinstance(table, dict) and table.get("channel") in self.channels
            for table in tables.values()
        )


KNOWN_BOTS = (
    KnownBot(
        channels=("feishu", "lark"),
        needed={"app_id": "FEISHU_APP_ID", "app_secret": "FEISHU_APP_SECRET"},
        further={
            "domain": "FEISHU_DOMAIN",
            "encrypt_key": "FEISHU_ENCRYPT_KEY",
            "verification_token": "FEISHU_VERIFICATION_TOKEN",
        },
    ),
)


def from_bot_variables(
    environ: Mapping[str, str], bots: Mapping[str, object]
) -> Iterator[tuple[tuple[str, ...], object, str]]:
    """Yield the settings of each bot that variables make; ``bots`` are those of the other layers.

    The values are references, so secrets are treated like any other.
    """
    made = [bot for bot in KNOWN_BOTS if not bot.missing(environ) and not bot.has(bots)]
    if made and not bots:
        yield ("bots", WEB, "channel"), WEB, ""
    for bot in made:
        path, first = ("bots", bot.name), next(iter(bot.needed.values()))
        yield (*path, "channel"), bot.name, first
        for key, name in {**bot.needed, **bot.further}.items():
            if environ.get(name):
                yield (*path, key), {"env": name}, name


def half_made(environ: Mapping[str, str], bots: Mapping[str, object]) -> Iterator[tuple[str, Said]]:
    """Yield each variable of a bot that others are missing for, with what to know about it."""
    for bot in KNOWN_BOTS:
        missing = bot.missing(environ)
        if not missing or len(missing) == len(bot.needed) or bot.has(bots):
            continue
        names = ", ".join(missing)
        for name in sorted({*bot.needed.values()} - {*missing}):
            yield name, Said(f"还缺 {names}，没有用到", f"without {names} it is not used")
