"""``[handlers.commands]``: where scenes lie, and what they may use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from posthouse.settings.settings import Section


class CommandsOptions(Section):
    """The further keys of a handler of the kind ``commands``."""

    scene_dirs: tuple[Path, ...] = ()
    public_dirs: tuple[Path, ...] = ()
    special: dict[str, str] = Field(default={})  # "#" → "module:function"
    give_up_s: Annotated[float, Field(gt=0, le=86400)] = 10.0
    workers_max: Annotated[int, Field(ge=1, le=64)] = 4
    memory_bytes_max: Annotated[int, Field(ge=64 * 1024**2)] = 1024**3
    output_bytes_max: Annotated[int, Field(ge=0)] = 64 * 1024
    file_bytes_max: Annotated[int, Field(ge=1024)] = 50 * 1024**2

    @field_validator("special")
    @classmethod
    def _names_functions(cls, value: dict[str, str]) -> dict[str, str]:
        for mark, function in value.items():
            module, colon, name = function.partition(":")
            if not (mark.strip() and colon and module.isidentifier() and name.isidentifier()):
                raise PydanticCustomError("string_type", 'write it like "#" = "module:function"')
        return value
