"""Office files are ZIP archives of XML; whatever is in one is looked at before it is opened."""

from __future__ import annotations

import io
import zipfile
import zlib

from posthouse.knowledge.formats.unreadable import Unreadable, too_large

PARTS_MAX = 20_000
BYTES_MAX = 400 * 1024**2  # of all parts, unpacked
PART_BYTES_MAX = 200 * 1024**2
RATIO_MAX = 200  # unpacked by packed; text rarely packs better than 30
SMALL_BYTES = 20 * 1024**2  # below this no ratio is a danger
LOOKED_AT_BYTES = 4096

_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # files of Office before 2007, and encrypted ones
_DECLARED = (b"<!DOCTYPE", b"<!ENTITY", b"<!doctype")
_WIDE_XML = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")


def check(data: bytes) -> None:
    """Make sure that an Office file can be opened without harm.

    Raises:
        Unreadable: it is damaged, encrypted, a bomb, or declares entities.
    """
    if data.startswith(_OLD):
        raise Unreadable(
            "It is encrypted or of an Office before 2007; save it without a password as .docx,"
            " .xlsx or .pptx.",
            zh="文件有密码，或是旧版 Office 格式；请去掉密码并另存为 .docx、.xlsx 或 .pptx。",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            _check_sizes(package, len(data))
            for part in package.infolist():
                _check_part(package, part)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as problem:
        raise damaged() from problem
    except RuntimeError as problem:  # what zipfile says of a password
        raise Unreadable(
            "It is encrypted; save it without a password.", zh="文件已加密；请去掉密码后另存。"
        ) from problem


def damaged() -> Unreadable:
    """Say that a file is not what it should be."""
    return Unreadable(
        "The file is damaged; open it in its own program and save it again.",
        zh="文件已损坏；请用原来的程序打开并重新保存。",
    )


def _check_sizes(package: zipfile.ZipFile, packed: int) -> None:
    parts = package.infolist()
    if len(parts) > PARTS_MAX:
        raise too_large("parts", "部件数", PARTS_MAX)
    total = sum(part.file_size for part in parts)
    is_bomb = total > SMALL_BYTES and total > packed * RATIO_MAX
    if is_bomb or total > BYTES_MAX or any(part.file_size > PART_BYTES_MAX for part in parts):
        raise Unreadable(
            f"Unpacked it would take {total // 1024**2} MB; split the file, or leave pictures out.",
            zh=f"解压后有 {total // 1024**2} MB；请拆分文件或去掉图片。",
        )


def _check_part(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse declarations of entities: no Office program writes any."""
    if not part.filename.endswith((".xml", ".rels", ".vml")):
        return
    with package.open(part) as opened:
        head = opened.read(LOOKED_AT_BYTES)
    if head.startswith(_WIDE_XML) or any(mark in head for mark in _DECLARED):
        raise Unreadable(
            "It declares XML entities, which no Office program writes; save it again.",
            zh="文件里有 XML 实体声明，不是 Office 程序写的；请重新保存。",
        )
