"""What the pages of the chat and of the console have in common: templates, files, colours.

Static files of a page are its own package's and those here, which all pages share. Their address
has a stamp that changes with them, so browsers may keep them for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, MutableMapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

SHARED = "posthouse.look"
YEAR_S = 31_536_000


class Static(StaticFiles):
    """Scripts, styles and pictures of one package, and those that all share."""

    def __init__(self, package: str) -> None:
        super().__init__(packages=[(package, "static"), (SHARED, "static")])

    async def get_response(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        """Answer with the file; it never changes under its address."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = f"public, max-age={YEAR_S}, immutable"
        response.headers["x-content-type-options"] = "nosniff"
        return response


@cache
def templates_of(package: str) -> Environment:
    """Return the templates of a package; what stands in them is escaped."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def stamp_of(package: str) -> str:
    """Name the static files that a package's pages load by what is in them."""
    digest = hashlib.sha256()
    for path in _static_files(package):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:10]


def _static_files(package: str) -> Iterator[Path]:
    for each in (package, SHARED):
        folder = Path(str(files(each).joinpath("static")))
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file())
