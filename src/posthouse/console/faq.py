"""Questions with their answers, as operators write them: documents of a base like any other."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from posthouse.knowledge.passage import Block, Extract
from posthouse.store.documents import Document, Documents, NewDocument, SourceKind

PLACE = "console"  # of the one source of a base that operators write to
FORMAT = "faq"
BASE = "faq"  # where there is none yet
QUESTION_CHARS_MAX = 500
ANSWER_CHARS_MAX = 8000
PATH_CHARS_MAX = 120

_extracts = msgspec.json.Decoder(Extract)


class Faq(msgspec.Struct, frozen=True, kw_only=True):
    """A question and its answer; an exact one is said word for word, without any gate."""

    question: str
    answer: str
    is_exact: bool


async def write(documents: Documents, base: str, faq: Faq, now: float) -> None:
    """Put an entry into a base; one to the same question is replaced.

    Args:
        documents: the knowledge of the house.
        base: it is made where there is none of that name.
        faq: what people ask, and what they are told.
        now: when it was written.
    """
    await documents.add_base(base, now)
    source = await documents.add_source(base, SourceKind.FAQ, PLACE, "{}", now)
    await documents.put((document(base, source, faq),), now)


def document(base: str, source: int, faq: Faq) -> NewDocument:
    """Make a document of an entry; the words of the question name it."""
    extract = Extract(
        title=faq.question,
        blocks=(Block(faq.answer),),
        is_exact=faq.is_exact,
        question=faq.question,
    )
    body = msgspec.json.encode(extract)
    return NewDocument(
        base=base,
        source=source,
        path=path_of(faq.question),
        title=faq.question,
        hash=blake2b(body, digest_size=16).hexdigest(),
        format=FORMAT,
        size_bytes=len(faq.answer.encode()),
        body=body,
    )


def path_of(question: str) -> str:
    """Name an entry by its question; long ones by their beginning and a hash."""
    plain = " ".join(question.split())
    if len(plain) <= PATH_CHARS_MAX:
        return plain
    return f"{plain[:PATH_CHARS_MAX]}… {blake2b(plain.encode(), digest_size=6).hexdigest()}"


def entry(found: Document, body: bytes) -> Faq | None:
    """Read an entry; None where the document is none."""
    if found.format != FORMAT or not body:
        return None
    extract = _extracts.decode(body)
    text = "\n\n".join(block.text for block in extract.blocks)
    return Faq(question=extract.question, answer=text, is_exact=extract.is_exact)
