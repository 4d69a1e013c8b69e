"""``posthouse init``: a settings file in which every line is explained."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from posthouse.cli.terminal import OK, Terminal
from posthouse.model.errors import OperatorMistake
from posthouse.settings.load import FILE_NAME


def template(language: str) -> str:
    """Return the commented settings file; every line in it says the default."""
    folder = files("posthouse.settings").joinpath("template")
    return folder.joinpath(f"posthouse.{language}.toml").read_text("utf-8")


def init(path: Path | None, *, overwrites: bool) -> int:
    """Write the file.

    Raises:
        OperatorMistake: it exists, or cannot be written.
    """
    terminal = Terminal()
    path = path or Path(FILE_NAME)
    try:
        with path.open("w" if overwrites else "x", encoding="utf-8", newline="\n") as file:
            file.write(template(terminal.language))
        path.chmod(0o600)  # people write secrets into it all the same
    except FileExistsError:
        raise OperatorMistake(
            f"{path} exists; nothing was written. Overwrite it with --force.",
            zh=f"{path} 已存在，没有写入。要覆盖请加 --force。",
        ) from None
    except OSError as error:
        raise OperatorMistake(
            f"Cannot write {path}: {error.strerror}. Choose another place.",
            zh=f"写不了 {path}：{error.strerror}。请换一个位置。",
        ) from None
    terminal.say(
        f"已写入 {path}。每一行都有说明，去掉 # 即生效；然后运行 posthouse run。",
        f"Wrote {path}. Every line is explained; remove the # to change one, then `posthouse run`.",
    )
    return OK
