"""The calls about pictures and files."""

from __future__ import annotations

from http import HTTPStatus

from posthouse.simulators.feishu.calls import Body, Call, Download, Endpoint, Part
from posthouse.simulators.feishu.faults import Verb
from posthouse.simulators.feishu.refusals import Refusal
from posthouse.simulators.feishu.tenant import StoredFile, Tenant

MEGABYTE = 1024 * 1024
IMAGE_BYTES_MAX = 10 * MEGABYTE
FILE_BYTES_MAX = 30 * MEGABYTE
UPLOAD_BYTES_MAX = FILE_BYTES_MAX + MEGABYTE
FILE_TYPES = ("opus", "mp4", "pdf", "doc", "xls", "ppt", "stream")
IMAGES = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF8",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"\x00\x00\x01\x00",
)


class Files:
    """Keeps what bot programs upload, and gives it back to them."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the API list that are done here."""
        scopes = ("im:resource", "im:resource:upload")
        rows = (
            ("POST", "/im/v1/images", self.put_image),
            ("GET", "/im/v1/images/{key}", self.get),
            ("POST", "/im/v1/files", self.put_file),
            ("GET", "/im/v1/files/{key}", self.get),
        )
        return tuple(
            Endpoint(method=method, path=path, do=do, verb=Verb.FILE, scopes=scopes)
            for method, path, do in rows
        )

    def put_image(self, call: Call) -> Body:
        part = _part(call, "image", IMAGE_BYTES_MAX)
        if _text(call, "image_type") not in ("message", "avatar"):
            raise _bad("image_type")
        if not _is_image(part.content):
            raise Refusal(234011, "Can't recognize image format.", is_malformed=True)
        return {"image_key": self._keep(call, "img_v3_", "image", part, part.file_name or "")}

    def put_file(self, call: Call) -> Body:
        part, kind = _part(call, "file", FILE_BYTES_MAX), _text(call, "file_type")
        name, duration = _text(call, "file_name"), _text(call, "duration") or "0"
        if kind not in FILE_TYPES or not name or not duration.isdecimal():
            raise _bad("file_type, file_name or duration")
        return {"file_key": self._keep(call, "file_v3_", kind, part, name, int(duration))}

    def get(self, call: Call) -> Download:
        found = self._tenant.files.get(call.path["key"])
        if found is None:
            raise _bad("no such key")
        if found.app != call.app.name:
            raise Refusal(234008, "The app is not the resource sender.")
        return Download(content=found.content, name=found.name)

    def _keep(
        self, call: Call, prefix: str, kind: str, part: Part, name: str, duration_ms: int = 0
    ) -> str:
        key = self._tenant.new_id(prefix)
        stored = StoredFile(
            key=key,
            kind=kind,
            name=name,
            content=part.content,
            app=call.app.name,
            duration_ms=duration_ms,
        )
        return self._tenant.keep_file(stored)


def _part(call: Call, name: str, bytes_max: int) -> Part:
    part = call.parts.get(name)
    if part is None:
        raise _bad(f"no part {name!r}")
    if not part.content:
        raise Refusal(234010, "File's size can't be 0.", is_malformed=True)
    if len(part.content) > bytes_max:
        raise Refusal(234006, "The file size exceed the max value.")
    return part


def _text(call: Call, name: str) -> str:
    part = call.parts.get(name)
    return part.content.decode("utf-8", "replace") if part is not None else ""


def _bad(what: str) -> Refusal:
    return Refusal(
        234001, f"Invalid request param: {what}.", HTTPStatus.BAD_REQUEST, is_malformed=True
    )


def _is_image(content: bytes) -> bool:
    is_webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return content.startswith(IMAGES) or is_webp or content[4:8] == b"ftyp"
