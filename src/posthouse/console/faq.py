"""Questions with their answers, as operators have written them."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from posthouse.knowledge.passage import Extract
from posthouse.store.documents import Document

FORMAT = "faq"

_extracts = msgspec.json.Decoder(Extract)


class Faq(Struct, frozen=True, kw_only=True):
    """A question and its answer; an exact one is said word for word, without any gate."""

    question: str
    answer: str
    is_exact: bool


def entry(document: Document, body: bytes) -> Faq | None:
    """Read an entry; None where the document is none."""
    if document.format != FORMAT or not body:
        return None
    extract = _extracts.decode(body)
    text = "\n\n".join(block.text for block in extract.blocks)
    return Faq(question=extract.question, answer=text, is_exact=extract.is_exact)
