"""``posthouse simulate model``: a pretended language model in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys

from posthouse.simulators.interruption import interrupted
from posthouse.simulators.model.server import ModelServer


def main(prog: str | None = None) -> None:
    """Run a pretended model until it is interrupted; prints its address first."""
    parser = argparse.ArgumentParser(prog=prog, description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--key", default="", help="the key that callers must bring; empty: none")
    options = parser.parse_args()
    try:
        asyncio.run(_run(options.port, options.key))
    except OSError as problem:
        sys.exit(f"model: {problem}; choose another --port")


async def _run(port: int, key: str) -> None:
    has_ended = interrupted()
    async with ModelServer(port=port, api_key=key) as server:
        print(f"LLM_BASE_URL={server.address} LLM_MODEL=pretended", flush=True)  # noqa: T201
        await has_ended.wait()


if __name__ == "__main__":
    main("python -m posthouse.simulators.model")
