"""What the house asks of a language model, whoever makes it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal, Protocol

from msgspec import Struct

from posthouse.model.errors import PosthouseError


class Picture(Struct, frozen=True):
    """An image that is shown to a model."""

    mime: str
    data: bytes


class ToolCall(Struct, frozen=True):
    """What a model wants to have done."""

    id: str
    name: str
    arguments: str  # JSON as the model wrote it, which may be broken


class Said(Struct, frozen=True, omit_defaults=True):
    """One message of a conversation with a model."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    pictures: tuple[Picture, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    answers_call: str = ""  # the id of the call, for role ``tool``


class ToolOffer(Struct, frozen=True):
    """A function that a model may ask for."""

    name: str
    description: str
    parameters: str  # JSON schema


class Prompt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call to a model."""

    messages: tuple[Said, ...]
    tools: tuple[ToolOffer, ...] = ()
    answer_tokens_max: int = 1024
    temperature: float = 0.2
    schema: str = ""  # JSON schema that the answer must keep to, where the model can


class Words(Struct, frozen=True):
    """A piece of the answer."""

    text: str


class Usage(Struct, frozen=True):
    """What a call has used; nothing yet where it only tells which model has begun to answer."""

    model: str  # as the settings call the one that answered
    prompt_tokens: int
    answer_tokens: int
    is_estimated: bool = False  # the model did not say


class End(Struct, frozen=True):
    """Why the answer ended."""

    reason: Literal["stop", "length", "tools", "filtered"]


Piece = Words | ToolCall | Usage | End


class ModelError(PosthouseError):
    """A model gave no answer. ``code`` is one of ``model.reasons``; people are told why."""

    code = "model_failed"


class ModelBusy(ModelError):
    """It has too much to do (429, 503); ``retry_after_s`` is 0 where it did not say how long."""

    code = "model_busy"

    def __init__(self, text: str, retry_after_s: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class ModelSilent(ModelError):
    """It did not answer in time, or could not be reached."""

    code = "model_silent"


class ModelRefused(ModelError):
    """It does not take the key, the model's name or the request: an operator must mend settings."""

    code = "model_refused"


class ModelCutShort(ModelError):
    """The answer broke off, or could not be read."""

    code = "model_cut_short"


class Model(Protocol):
    """One that answers."""

    @property
    def name(self) -> str:
        """What it is called in the settings."""
        ...

    @property
    def sees_pictures(self) -> bool:
        """Whether it can be shown images."""
        ...

    @property
    def prompt_tokens_max(self) -> int:
        """How much it can be told at once."""
        ...

    def answer(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Answer piece by piece; closing the generator cancels the call.

        Raises:
            ModelError: no answer, or no whole one.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
