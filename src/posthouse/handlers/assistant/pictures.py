"""The images of a message, for a model that sees them."""

from __future__ import annotations

from typing import Final

import structlog

from posthouse.handlers.handler import TurnContext
from posthouse.llm.model import Picture
from posthouse.model.errors import PosthouseError
from posthouse.model.message import Image
from posthouse.model.turn import Turn
from posthouse.store.media import sniff

PICTURES_MAX: Final = 4
PICTURE_BYTES_MAX: Final = 5 * 1024 * 1024
SEEN: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})

log = structlog.get_logger("posthouse.assistant")


def images_of(turn: Turn) -> tuple[Image, ...]:
    """Return the images that somebody sent with their question."""
    return tuple(part for part in turn.parts if isinstance(part, Image))


async def fetched(images: tuple[Image, ...], context: TurnContext) -> tuple[Picture, ...]:
    """Fetch what can be fetched, and is what it says it is."""
    pictures: list[Picture] = []
    for image in images[:PICTURES_MAX]:
        try:
            data = await context.read(image.media, PICTURE_BYTES_MAX)
        except PosthouseError as problem:
            log.warning("picture_not_fetched", ref=image.media.ref, problem=str(problem))
            continue
        if (mime := sniff(data)) in SEEN:
            pictures.append(Picture(mime, data))
    return tuple(pictures)
