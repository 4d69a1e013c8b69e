"""QQ behind a OneBot implementation, beside the probe: what people say there, and its ledger.

OneBot has neither keys nor acknowledgements. Which delivery a message is, and which messages were
handed over, only the house's own book can tell; what people see is the platform's word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from posthouse.cli.laboratory.book import Book, Said
from posthouse.cli.laboratory.judgement import MARK, bare
from posthouse.simulators.onebot.accounts import FIRST_SELF_ID, Account
from posthouse.simulators.onebot.faults import Fault, FaultPlan, FaultSettings, Verb
from posthouse.simulators.onebot.happenings import AnyHappening, Chat, Person, Recalled
from posthouse.simulators.onebot.happenings import Said as Words
from posthouse.simulators.onebot.notes import Limits
from posthouse.simulators.onebot.record import MessageEntry
from posthouse.simulators.onebot.server import OneBotServer
from posthouse.simulators.onebot.state import Network
from posthouse.simulators.onebot.verdict import as_ledger
from posthouse.simulators.probe.bots import BotClass
from posthouse.simulators.probe.bots import bot as declare
from posthouse.simulators.probe.ledger import Ledger
from posthouse.simulators.probe.wire import Saying

NAME = "onebot"
QQ = declare(NAME, BotClass.CONNECTION)  # what the platform can tell, in the probe's words
PATH = "/onebot/v11/ws"
RECONNECT_S = 0.2
FIRST_GROUP, FIRST_PERSON = 20_001, 30_001

NO_DELIVERY = "not in the book: "

SETTINGS = f"""
[bots.{NAME}]
channel = "onebot"
path = "{PATH}"
token = "{QQ.token}"
answer_within_s = 3.0
"""


def shaky(seed: int) -> FaultSettings:
    """Return a network that often fails; QQ itself, which loses nothing it has shown, does not."""
    return FaultSettings(
        seed=seed,
        delay_s=0.05,
        rates={
            "*": {
                Verb.SEND: {
                    Fault.DELAY: 0.1,
                    Fault.SLOW: 0.02,
                    Fault.OVERTAKEN: 0.02,
                    Fault.RESET_BEFORE: 0.002,
                    Fault.RESET_AFTER: 0.004,
                    Fault.SILENT_BEFORE: 0.002,
                    Fault.SILENT_AFTER: 0.004,
                    Fault.HALF_RESPONSE: 0.004,
                    Fault.FAILED_AFTER: 0.02,
                    Fault.TWICE: 0.02,
                },
                Verb.PUSH: {
                    Fault.DELAY: 0.05,
                    Fault.TWICE: 0.05,
                    Fault.RESET_BEFORE: 0.002,
                    Fault.RESET_AFTER: 0.004,
                },
            }
        },
    )


class Platform:
    """One account and its people, and everything that they say.

    What is said while the house is away is found in the history, and not brought again.

    Args:
        seed: decides every id.
        port: where the house listens.
        faults: what goes wrong.
        events_max: how many messages are said at most; all are remembered.
    """

    def __init__(
        self, seed: int, port: int, faults: FaultSettings | None, *, events_max: int
    ) -> None:
        account = Account(
            name=NAME,
            self_id=FIRST_SELF_ID,
            token=QQ.token,
            urls=(f"ws://127.0.0.1:{port}{PATH}",),
            reconnect_s=RECONNECT_S,
        )
        self.network = Network(seed, accounts=(account,), limits=_room_for(events_max))
        self.server = OneBotServer(self.network, faults=FaultPlan(faults))
        self._numbers: dict[str, int] = {}
        self._said: set[str] = set()

    repeats = False

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        async with self.server:
            yield

    def settings(self) -> str:
        return SETTINGS

    def tell(self, happens: Callable[[], None], shows: Callable[[], None]) -> None:
        def watch(entry: MessageEntry) -> None:
            if entry.is_own and not entry.is_recalled:
                shows()

        self.network.listen(happens)
        self.network.watch(watch)

    def do(self, saying: Saying) -> str | None:
        entry = self.server.say(self._happening(saying)).event.entry
        if entry is None:
            return None
        if saying.type == "message":
            self._said.add(str(entry.message_id))
        return str(entry.message_id)

    def _happening(self, saying: Saying) -> AnyHappening:
        chat, person = self._where(saying)
        if saying.type == "recalled":
            assert saying.message_id is not None
            number = int(saying.message_id)
            return Recalled(bot=NAME, chat=chat, sender=person, message_id=number)
        assert saying.type == "message", f"nobody can do that on QQ: {saying.type}"
        return Words(
            bot=NAME, chat=chat, sender=person, text=saying.text, mentions_bot=chat.kind == "group"
        )

    def _where(self, saying: Saying) -> tuple[Chat, Person]:
        """Every other chat is a group; in the others each person talks in private."""
        group = self._number(saying.chat.id, FIRST_GROUP)
        if group % 2:
            user = self._number(saying.sender.id, FIRST_PERSON)
            return Chat(group, "group", saying.chat.title), Person(user, saying.sender.name)
        user = self._number(f"{saying.chat.id} {saying.sender.id}", FIRST_PERSON)
        return Chat(user, "private"), Person(user, saying.sender.name)

    def _number(self, name: str, first: int) -> int:
        return self._numbers.setdefault(name, first + len(self._numbers))

    async def until_connected(self) -> None:
        await self.server.until_connected(NAME)

    # --- the end ------------------------------------------------------------------------------

    async def until_handed_over(self) -> None:
        """Wait for nothing: events come once."""

    def untaken(self, book: Book) -> int:
        return len(self._said - {each.message_id for each in book.messages if each.bot == NAME})

    def ledger(self, book: Book) -> Ledger:
        """Return what people saw; what was handed over, only the house's book can tell."""
        taken = {int(each.message_id) for each in book.messages if each.bot == NAME}
        return as_ledger(self.network.record(), taken=taken, key_of=_Keys(book).key_of)


class _Keys:
    """Finds the delivery of a message by its words."""

    def __init__(self, book: Book) -> None:
        self._by_mark: dict[tuple[str, str], Said] = {}
        self._by_words: dict[tuple[str, str], list[Said]] = defaultdict(list)
        for said in book.said:
            if said.bot == NAME:
                self._by_mark |= {(said.chat, mark): said for mark in MARK.findall(said.text)}
                self._by_words[said.chat, bare(said.text)].append(said)

    def key_of(self, _bot: str, chat: str, text: str) -> str:
        """Return a key; none where several deliveries say the same."""
        for mark in MARK.findall(text):
            if (chat, mark) in self._by_mark:
                return self._by_mark[chat, mark].key
        found = self._by_words.get((chat, bare(text)), [])
        if not found:
            return NO_DELIVERY + text
        return found[0].key if len(found) == 1 else ""


def _room_for(events: int) -> Limits:
    return Limits(
        messages_max=8 * events,
        events_max=8 * events,
        calls_max=100 * events,
        connections_max=1_000_000,
        people_max=max(10_000, events),
    )
