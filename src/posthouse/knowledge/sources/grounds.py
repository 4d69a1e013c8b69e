"""Which folders of this machine may become sources."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from posthouse.model.errors import OperatorMistake


class Grounds(Struct, frozen=True):
    """Where people who manage knowledge may point to; links are followed before it is looked."""

    closed: Path | None = None  # the house's own data: messages of everybody, keys of everything
    roots: tuple[Path, ...] = ()  # only what lies below these; none: whatever the house can read

    def check(self, place: Path, *, is_declared: bool = False) -> None:
        """Let a folder or file pass.

        Args:
            place: of it.
            is_declared: whether it stands in the settings file, beside the roots themselves.

        Raises:
            OperatorMistake: it is the house's own, or outside of the roots.
        """
        full = place.resolve()
        if self.closed is not None and full.is_relative_to(self.closed.resolve()):
            raise OperatorMistake(
                f"{place} is the house's own data directory: messages and keys are in there. Put"
                " the documents into a folder of their own.",
                zh=f"{place} 是驿站自己的数据目录，里面有消息和密钥；请把文档放到单独的文件夹。",
            )
        if not self.roots or is_declared:
            return
        if not any(full.is_relative_to(root.resolve()) for root in self.roots):
            named = ", ".join(map(str, self.roots))
            raise OperatorMistake(
                f"{place} is outside of the folders that may be added ({named}). Move it there, or"
                " let whoever runs the house name it in source_roots.",
                zh=f"{place} 不在允许添加的文件夹（{named}）里；请移到其中，"
                "或让管理员加到 source_roots。",
            )

    def closed_in(self, folder: Path) -> str:
        """Return where the house's own data lies within a folder; empty where it does not."""
        full = folder.resolve()
        if self.closed is None or not self.closed.resolve().is_relative_to(full):
            return ""
        return self.closed.resolve().relative_to(full).as_posix()


ANYWHERE = Grounds()
