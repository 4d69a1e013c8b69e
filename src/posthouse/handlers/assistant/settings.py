"""``[handlers.assistant]``: what it knows, when it speaks, and how."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from posthouse.handlers.assistant.hours import read_hours
from posthouse.settings.settings import Name, Section
from posthouse.store.conduct import Rule

Share = Annotated[float, Field(ge=0, le=1)]

NO_MODEL = "none"
TOOLS_MAX = 20  # a model is told of all of them, each time
_TOOL = re.compile(r"(?:[^\s:.]+:)?[^\W\d]\w*\.\w+")


class AssistantOptions(Section):
    """The further keys of a handler of the kind ``assistant``."""

    bases: tuple[Name, ...] = ()  # none: all that hold anything
    tools: Annotated[tuple[str, ...], Field(max_length=TOOLS_MAX)] = ()  # commands it may run
    model: str = ""  # of [models.<name>]; "": the first, "none": none
    tone: str = ""
    language: Literal["", "zh", "en"] = ""
    hours: str = ""
    questions_per_day: Annotated[int, Field(ge=0)] = 0
    tokens_per_day: Annotated[int, Field(ge=0)] = 0
    trial_tokens_per_day: Annotated[int, Field(ge=0)] = 1_000_000
    addressed_threshold: Share | None = None
    overheard_threshold: Share | None = None
    relevance_min: Annotated[float, Field(ge=0, le=10)] = 5.0
    quotes_from: Share = 0.1  # of the question's words, weighed by rarity
    passages_max: Annotated[int, Field(ge=1, le=50)] = 6
    history_characters_max: Annotated[int, Field(ge=0)] = 4000
    handoff_words: tuple[str, ...] = ("转人工", "人工客服", "human")
    feedback: bool = True
    block_words: tuple[str, ...] = ()
    hold_words: tuple[str, ...] = ()
    replace_words: dict[str, str] = Field(default={})
    burst_s: Annotated[float, Field(ge=0, le=10)] = 1.5
    max_run_s: Annotated[float, Field(gt=0)] = 120.0
    answer_within_s: Annotated[float, Field(gt=0)] = 900.0

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, value: str) -> str:
        if read_hours(value) is None:
            raise PydanticCustomError("string_type", 'write it like "Mon-Fri 09:00-18:00"')
        return value

    @field_validator("tools")
    @classmethod
    def _are_commands(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(_TOOL.fullmatch, value)):
            raise PydanticCustomError("not_commands", "not commands")
        return value

    def rule(self) -> Rule:
        """Return what holds where nothing else was set; no model there means the first one."""
        return Rule(
            bases=self.bases,
            model={"": None, NO_MODEL: ""}.get(self.model, self.model),
            tone=self.tone,
            language=self.language,
            hours=self.hours,
            questions_per_day=self.questions_per_day,
            tokens_per_day=self.tokens_per_day,
        )
