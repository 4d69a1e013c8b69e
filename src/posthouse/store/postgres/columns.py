"""Whole rows, column by column: what a newer version has added to a table stays out of them.

While gateways are upgraded one after another, older ones work on the newer schema. There, ``*``
would be other columns than the code knows, and statements that were prepared before would fail.
"""

from __future__ import annotations

import re

# Of every table that is read with `*`, the columns as the code knows them, in their order.
COLUMNS: dict[str, str] = {
    "chats": "id bot platform_id kind title mode mode_since_at mode_until_at session_kind language"
    " mode_before handler",
    "deliveries": "id bot chat origin ordinal part kind state policy key body target attempts"
    " queued_at first_sent_at unclear_since_at unclear_calls is_repeated may_be_duplicate"
    " withdraw_wanted platform_ids reason content put_at settled_at person is_report recall"
    " is_edit_parked is_cleared",
    "events": "id chat kind key message_id entrance platform_at accepted_at state reason turn"
    " is_part has_slot slot_body body",
    "grants": "id effect subject bot handler scene command from_at until_at author created_at note",
}

_NAMED = re.compile(
    r"\b(FROM|JOIN|INTO) (\w+)(?: (?!(?:WHERE|SET|ON|ORDER|LIMIT|JOIN|CROSS|LEFT)\b)(\w+))?"
)
_ALL_OF = re.compile(r"\b(\w+)\.\*")
_ALL = re.compile(r"\b(SELECT|RETURNING) \*(?: FROM (\w+))?")


def written_out(sql: str) -> str:
    """Return a statement that names the columns of whole rows."""
    tables = {alias or table: table for _, table, alias in _NAMED.findall(sql)}

    def all_of(match: re.Match[str]) -> str:
        known = COLUMNS.get(tables.get(match[1], ""))
        return ", ".join(f"{match[1]}.{name}" for name in known.split()) if known else match[0]

    def everything(match: re.Match[str]) -> str:
        table = match[2] or next(iter(tables.values()), "")
        known = COLUMNS.get(table) if match[2] or match[1] == "RETURNING" else None
        return match[0].replace("*", ", ".join(known.split())) if known else match[0]

    return _ALL.sub(everything, _ALL_OF.sub(all_of, sql))
