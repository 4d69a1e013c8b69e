"""What goes over the line between the house and a worker: JSON behind four bytes of length."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

HEAD_BYTES = 4
FRAME_BYTES_MAX = 4 * 1024 * 1024


# ── from the house ───────────────────────────────────────────────────────────────────────────


class Source(Struct, frozen=True):
    """A file of a scene folder, as it was read."""

    name: str
    path: str
    text: str
    is_public: bool
    problem: str = ""  # why it is left out

    @property
    def is_helper(self) -> bool:
        """Whether it is there for others to import, and is no scene itself."""
        return self.name.startswith("_")


class Load(Struct, frozen=True):
    """The first frame: what to load."""

    folders: tuple[str, ...]  # where scenes may import from
    sources: tuple[Source, ...]

    def without(self, name: str, problem: str) -> Load:
        """Leave a file out, and say why to whoever imports it."""
        sources = (
            replace(each, text="", problem=problem) if each.name == name else each
            for each in self.sources
        )
        return replace(self, sources=tuple(sources))

    def with_old(self, old: Load, names: set[str]) -> Load:
        """Take some files as they were, each in the place of the new one."""
        kept = [each for each in old.sources if each.name in names]
        places = {each.name: at for at, each in enumerate(self.sources)}
        new = [each for each in self.sources if each.name not in names]
        mixed = sorted((*new, *kept), key=lambda each: places.get(each.name, len(places)))
        return replace(self, sources=tuple(mixed))


class Asking(Struct, frozen=True):
    """Who asks."""

    id: str
    name: str
    role: str
    groups: tuple[str, ...]


class Where(Struct, frozen=True):
    """In which chat."""

    number: int
    platform_id: str
    title: str
    is_private: bool


class Answered(Struct, frozen=True):
    """The answer to a question of a scene."""

    text: str
    choice: int | None


class Call(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing to run: a command with words, a function with an answer, or with a line."""

    id: str
    scene: str
    function: str
    person: Asking
    chat: Where
    bot: str
    language: str
    text: str
    words: tuple[str, ...] | UnsetType = UNSET
    below: str | UnsetType = UNSET
    rest: str | UnsetType = UNSET
    given: dict[str, object] | UnsetType = UNSET  # arguments by name, as JSON holds them
    is_only_read: bool = False  # the arguments are read, and nothing is run
    answer: Answered | UnsetType = UNSET
    state: str | UnsetType = UNSET  # JSON, as the scene gave it
    ticket: int = 0  # of ``Tickets``: it is begun only by who finds this in the pipe


# ── from a worker ────────────────────────────────────────────────────────────────────────────


class Parameter(Struct, frozen=True):
    """One parameter of a command."""

    name: str
    wanted: str  # a word for its type, or its values with | between
    is_list: bool = False
    is_optional: bool = False
    is_named: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()  # where only these values fit


class CommandEntry(Struct, frozen=True):
    """One command."""

    name: str
    help: str = ""
    parameters: tuple[Parameter, ...] = ()
    give_up_s: float | None = None
    is_readonly: bool = False


class SceneEntry(Struct, frozen=True):
    """One scene."""

    name: str
    is_public: bool = False
    help: str = ""
    commands: tuple[CommandEntry, ...] = ()


class Loading(Struct, frozen=True, tag_field="kind", tag="loading"):
    """A file is being loaded: the one to blame if nothing comes after this."""

    name: str


class Spent(Struct, frozen=True, tag_field="kind", tag="spent"):
    """The call has left something in the worker: the next one is for another."""


class Ready(Struct, frozen=True, tag_field="kind", tag="ready"):
    """Everything is loaded."""

    scenes: tuple[SceneEntry, ...]
    problems: dict[str, str]  # scene → traceback


class SaidText(Struct, frozen=True, tag_field="kind", tag="text"):
    """Plain words."""

    text: str


class SaidMarkdown(Struct, frozen=True, tag_field="kind", tag="markdown"):
    """Words with Markdown."""

    text: str


class SaidImage(Struct, frozen=True, tag_field="kind", tag="image"):
    """A picture that lies in a file; ``is_ours`` when it was written only for us."""

    path: str
    name: str
    is_ours: bool = False


class SaidFile(Struct, frozen=True, tag_field="kind", tag="file"):
    """A document that lies in a file."""

    path: str
    name: str
    is_ours: bool = False


class SaidAsk(Struct, frozen=True, tag_field="kind", tag="ask"):
    """A question, or a card; ``then`` is one function, or one for each choice."""

    text: str
    choices: tuple[str, ...]
    then: tuple[str, ...]
    state: str
    anyone: bool
    typed: bool
    expires_s: float


class SaidProgress(Struct, frozen=True, tag_field="kind", tag="progress"):
    """How far it is."""

    text: str


Said = SaidText | SaidMarkdown | SaidImage | SaidFile


class SaidPush(Struct, frozen=True, tag_field="kind", tag="push"):
    """Something for another chat."""

    chat: int
    content: Said


class Done(Struct, frozen=True, tag_field="kind", tag="done"):
    """The call is over."""


class Misused(Struct, frozen=True, tag_field="kind", tag="usage"):
    """The words did not fit; nothing was run."""

    problem: str
    name: str = ""
    said: str = ""
    wanted: str = ""


class Mistaken(Struct, frozen=True, tag_field="kind", tag="mistake"):
    """The scene says what the person did wrong."""

    text: str


class Gone(Struct, frozen=True, tag_field="kind", tag="gone"):
    """The scene has no such function any more."""


class Failed(Struct, frozen=True, tag_field="kind", tag="failed"):
    """The command raised something."""

    error: str
    trace: str


class Senseless(Struct, frozen=True, tag_field="kind", tag="nonsense"):
    """The command returned something that cannot be said."""

    error: str
    trace: str


Speech = Said | SaidAsk | SaidProgress | SaidPush
End = Done | Misused | Mistaken | Gone | Failed | Senseless
Reply = Loading | Spent | Ready | Speech | End

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Reply)


def pack(frame: Load | Call) -> bytes:
    """Put a frame into the bytes that travel."""
    body = _encode(frame)
    return len(body).to_bytes(HEAD_BYTES, "big") + body


def unpack(body: bytes) -> Reply:
    """Read what a worker said.

    Raises:
        Garbled: it is no frame.
    """
    try:
        reply: Reply = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Garbled from error
    return reply


class Garbled(Exception):
    """A worker sent what is no frame: something else wrote to its line."""


class TookTooLong(Exception):
    """The time of a call is over."""
