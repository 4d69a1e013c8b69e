"""Files on their way out: uploaded once, known by their key for as long as Feishu keeps them."""

from __future__ import annotations

from pathlib import Path

from posthouse.channels.feishu.client import Client
from posthouse.channels.feishu.lately import Lately
from posthouse.channels.feishu.outcomes import Endpoint, outcome_of
from posthouse.channels.feishu.outgoing import Form
from posthouse.model.delivery import NotSent, Outcome, Sent
from posthouse.model.message import Media
from posthouse.store.media import Shelf

FILE_BYTES_MAX = 30 * 1024 * 1024
KEYS_MAX = 1000  # remembered in memory; a forgotten one costs an upload

_GONE = NotSent("not_found_on_platform", is_final=True)
_TOO_LONG = NotSent("too_long", is_final=True)


class Uploads:
    """The files of the shelf as one app has uploaded them."""

    def __init__(self, client: Client, shelf: Shelf) -> None:
        self._client = client
        self._shelf = shelf
        self._keys: Lately[tuple[str, Form], str] = Lately(KEYS_MAX)

    async def key(self, media: Media, form: Form) -> tuple[Outcome, str]:
        """Return the key of a file; empty beside the outcome that says why there is none.

        Uploading shows nothing to anybody, so a call that failed half-way is certainly no message.
        """
        known = self._keys.get((media.ref, form))
        if known is not None:
            return Sent(), known
        path = self._shelf.path(media.ref)
        if path is None:
            return _GONE, ""
        if path.stat().st_size > FILE_BYTES_MAX or not path.stat().st_size:
            return _TOO_LONG, ""
        return await self._upload(path, media, form)

    async def _upload(self, path: Path, media: Media, form: Form) -> tuple[Outcome, str]:
        reply, key = await self._client.upload(path, media.name, form)
        if not key:
            outcome = outcome_of(reply, Endpoint.UPLOAD)
            refused = outcome if isinstance(outcome, NotSent) else NotSent("platform_error")
            return refused, ""
        return Sent(), self._keys.keep((media.ref, form), key)
