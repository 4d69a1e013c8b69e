"""The way to a model's address, and what may go wrong on it, in our words."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from posthouse.llm.model import (
    ModelBusy,
    ModelCutShort,
    ModelError,
    ModelRefused,
    ModelSilent,
)

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

CONNECT_WITHIN_S = 10.0
ERROR_CHARACTERS_MAX = 300  # of what the other side says was wrong
BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class Line(Struct, frozen=True, kw_only=True):
    """How a model's address is reached."""

    base_url: str
    api_key: str = ""
    within_s: float = 60.0  # silence, not the whole answer
    proxy: str = ""
    ca_file: Path | None = None


def connect(line: Line) -> AsyncOpenAI:
    """Make a client; nothing is sent. No retries of its own: ``Chain`` knows when to.

    ``OPENAI_*`` and proxy variables of the process are not looked at: every line has its own.
    """
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

    trusted = ssl.create_default_context(cafile=str(line.ca_file) if line.ca_file else None)
    return AsyncOpenAI(
        api_key=line.api_key or "none",  # servers of one's own often want none
        organization="",
        base_url=line.base_url,
        max_retries=0,
        timeout=Timeout(line.within_s, connect=CONNECT_WITHIN_S),
        http_client=DefaultAsyncHttpxClient(
            proxy=line.proxy or None, verify=trusted, trust_env=False
        ),
    )


@asynccontextmanager
async def as_model_errors(name: str) -> AsyncIterator[None]:
    """Say what went wrong in our own words, grouped by what the caller should do.

    Raises:
        ModelError: for everything that the library, the network or the answer may raise.
    """
    import openai

    try:
        yield
    except ModelError:
        raise
    except openai.APITimeoutError as problem:
        raise ModelSilent(f"{name} did not answer in time") from problem
    except openai.APIStatusError as problem:
        raise _by_status(name, problem) from problem
    except openai.APIConnectionError as problem:
        cause = problem.__cause__ or problem
        raise ModelSilent(f"{name} cannot be reached: {_words_of(cause)}") from problem
    except (openai.OpenAIError, ValueError, TypeError, AttributeError, KeyError) as problem:
        raise ModelCutShort(
            f"{name} answered what cannot be read: {_words_of(problem)}"
        ) from problem
    except Exception as problem:  # the connection broke in the middle: the HTTP library's own
        raise ModelCutShort(f"{name} broke off: {_words_of(problem)}") from problem


def status_of(problem: ModelError) -> int:
    """Return the HTTP status that stands behind a problem; 0 where there was no answer."""
    return getattr(problem.__cause__, "status_code", 0)


def _by_status(name: str, problem: APIStatusError) -> ModelError:
    status, words = problem.status_code, _words_of(problem)
    if status in BUSY:
        return ModelBusy(f"{name} is busy ({status}): {words}", _retry_after_s(problem))
    return ModelRefused(f"{name} refuses the request ({status}): {words}")


def _words_of(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:ERROR_CHARACTERS_MAX] or type(problem).__name__


def _retry_after_s(problem: APIStatusError) -> float:
    try:
        return max(0.0, float(problem.response.headers.get("retry-after", "0")))
    except ValueError:  # a date: rare, and not worth a clock here
        return 0.0
