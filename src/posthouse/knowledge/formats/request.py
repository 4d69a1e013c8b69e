"""What is asked of whoever reads a file, and what is answered, whatever is in the file."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from posthouse.knowledge.formats.catalogue import read
from posthouse.knowledge.formats.unreadable import Unreadable
from posthouse.knowledge.masking import masked
from posthouse.knowledge.passage import Extract
from posthouse.model.errors import OperatorMistake


class Request(Struct, frozen=True):
    """A file that is to be read."""

    name: str
    columns: Mapping[str, str] = {}
    is_masked: bool = True


class Answer(Struct, frozen=True):
    """What was read, or why nothing was."""

    extract: Extract | None = None
    en: str = ""
    zh: str = ""


def answer_to(request: Request, data: bytes) -> Answer:
    """Read a file; a defect of a library, met in somebody's file, is a problem of that file."""
    try:
        extract = read(data, request.name, request.columns)
        return Answer(masked(extract) if request.is_masked else extract)
    except (Unreadable, OperatorMistake) as problem:
        return Answer(en=str(problem), zh=problem.zh)
    except MemoryError:
        return Answer(
            en="Reading it needs too much memory; split it.", zh="读取它需要太多内存；请拆分文件。"
        )
    except Exception as problem:  # noqa: BLE001 - see above
        name = type(problem).__name__
        return Answer(
            en=f"It could not be read ({name}: {problem}); save it again, or in another format.",
            zh=f"读取失败（{name}: {problem}）；请重新保存，或换一种格式。",
        )
