"""Which files a page shows, and which it only offers."""

from __future__ import annotations

# What a browser may show inside the page: pictures that cannot carry a script.
INLINE_MIMES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
