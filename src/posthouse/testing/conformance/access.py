"""What every store must do with operators, sessions, tokens, codes and the audit.

Each check gets a fresh, empty ``Access``. See ``checks.py`` for how to run these.
"""

from __future__ import annotations

from posthouse.model.errors import Refused
from posthouse.model.permission import OperatorRole
from posthouse.store.access import Access, Operator, Session
from posthouse.testing.conformance.checks import holds, raises, same

NOW = 1_750_000_000.0
DAY_S = 86400.0
SECRET = b"hash of a secret" * 2
OTHER = b"hash of another." * 2


async def _add(
    access: Access, name: str = "ann", role: OperatorRole = OperatorRole.ADMIN
) -> Operator:
    return await access.add_operator(name, role, f"hash of {name}", "cli", NOW)


async def _log_in(access: Access, operator: Operator, secret: bytes = SECRET) -> Session:
    return await access.open_session(
        operator.id, secret, NOW, NOW + DAY_S, agent="Firefox", address="10.0.0.1"
    )


# --- operators -------------------------------------------------------------------------------


async def an_operator_is_kept_with_their_hash(access: Access) -> None:
    ann = await _add(access)
    same((ann.name, ann.role, ann.created_at), ("ann", OperatorRole.ADMIN, NOW), "the operator")
    same(await access.password_hash("ann"), (ann, "hash of ann"), "found by name")
    same(await access.password_hash("bob"), None, "an unknown name")
    bob = await _add(access, "bob", OperatorRole.VIEWER)
    same(await access.operators(), (ann, bob), "all of them")


async def a_name_is_taken_once(access: Access) -> None:
    await _add(access)
    await raises(Refused, _add(access, "ANN"), "the same name in other letters")
    same(len(await access.operators()), 1, "how many there are")


async def what_is_not_given_stays(access: Access) -> None:
    ann, bob = await _add(access), await _add(access, "bob", OperatorRole.VIEWER)
    changed = await access.change_operator(bob.id, "cli", NOW, role=OperatorRole.OPERATOR)
    same((changed.name, changed.role), ("bob", OperatorRole.OPERATOR), "the changed one")
    same(await access.password_hash("bob"), (changed, "hash of bob"), "the hash has stayed")
    await access.change_operator(bob.id, "cli", NOW, password_hash="new")  # noqa: S106 - pretended
    same(await access.password_hash("bob"), (changed, "new"), "the role has stayed")
    same((await access.operators())[0], ann, "the other one")


async def an_unknown_operator_cannot_be_changed(access: Access) -> None:
    await raises(Refused, access.change_operator(9, "cli", NOW, is_disabled=True), "nobody")


async def the_last_admin_stays(access: Access) -> None:
    ann = await _add(access)
    demote = access.change_operator(ann.id, "cli", NOW, role=OperatorRole.VIEWER)
    await raises(Refused, demote, "demoting the last admin")
    disable = access.change_operator(ann.id, "cli", NOW, is_disabled=True)
    await raises(Refused, disable, "disabling the last admin")
    same(await access.operators(), (ann,), "what is written")
    await _add(access, "bob")
    changed = await access.change_operator(ann.id, "cli", NOW, role=OperatorRole.VIEWER)
    same(changed.role, OperatorRole.VIEWER, "the role, once there is another admin")


async def a_new_password_ends_all_sessions(access: Access) -> None:
    ann = await _add(access)
    await _log_in(access, ann)
    await access.change_operator(ann.id, "cli", NOW, password_hash="new")  # noqa: S106 - pretended
    same(await access.session(SECRET, NOW), None, "the session")


async def who_is_disabled_is_out(access: Access) -> None:
    await _add(access)
    bob = await _add(access, "bob")
    await _log_in(access, bob)
    await access.change_operator(bob.id, "cli", NOW, is_disabled=True)
    same(await access.session(SECRET, NOW), None, "the session")
    same(await access.password_hash("bob"), None, "the hash to log in with")
    await access.change_operator(bob.id, "cli", NOW, is_disabled=False)
    same(await access.session(SECRET, NOW), None, "the old session, once enabled again")


# --- sessions --------------------------------------------------------------------------------


async def a_session_is_found_by_its_secret_only(access: Access) -> None:
    ann = await _add(access)
    session = await _log_in(access, ann)
    same((session.agent, session.address), ("Firefox", "10.0.0.1"), "where from")
    same(await access.session(SECRET, NOW), (session, ann), "who is logged in")
    same(await access.session(OTHER, NOW), None, "another secret")


async def a_session_ends_by_the_clock(access: Access) -> None:
    session = await _log_in(access, await _add(access))
    holds(await access.session(SECRET, NOW + DAY_S - 1), "shortly before its end")
    same(await access.session(SECRET, NOW + DAY_S), None, "at its end")
    same(await access.sessions(NOW + DAY_S), (), "the list then")
    await access.touch_session(session.id, NOW + 10, NOW + 2 * DAY_S)
    found = await access.session(SECRET, NOW + DAY_S)
    holds(found is not None and found[0].seen_at == NOW + 10, "it lives on when it is touched")


async def a_session_can_be_ended(access: Access) -> None:
    ann = await _add(access)
    session = await _log_in(access, ann)
    holds(await access.end_session(session.id, "operator:ann", NOW), "ending it succeeds")
    same(await access.session(SECRET, NOW), None, "the session")
    holds(
        not await access.end_session(session.id, "operator:ann", NOW),
        "ending it again does nothing",
    )


async def sessions_are_listed_newest_first(access: Access) -> None:
    ann, bob = await _add(access), await _add(access, "bob")
    first, second = await _log_in(access, ann), await _log_in(access, bob, OTHER)
    same(await access.sessions(NOW), (second, first), "all")
    same(await access.sessions(NOW, ann.id), (first,), "of one operator")


async def an_operator_has_so_many_sessions(access: Access) -> None:
    ann = await _add(access)
    for number in range(25):
        await access.open_session(ann.id, bytes([number]) * 32, NOW, NOW + DAY_S)
    same(len(await access.sessions(NOW)), 20, "how many are kept")
    same(await access.session(bytes([4]) * 32, NOW), None, "the oldest")
    holds(await access.session(bytes([24]) * 32, NOW), "the newest stays")


# --- tokens ----------------------------------------------------------------------------------


async def a_token_is_found_by_its_secret_only(access: Access) -> None:
    made = await access.add_token("ci", ("push", "read"), SECRET, "operator:ann", NOW)
    same((made.name, made.scopes, made.created_by), ("ci", ("push", "read"), "operator:ann"), "it")
    same(await access.token(SECRET, NOW), made, "by its secret")
    same(await access.token(OTHER, NOW), None, "by another secret")


async def a_token_ends_by_the_clock(access: Access) -> None:
    await access.add_token("ci", ("push",), SECRET, "cli", NOW, NOW + 10)
    holds(await access.token(SECRET, NOW + 9.9), "before its end it is worth something")
    same(await access.token(SECRET, NOW + 10), None, "at its end")


async def a_token_notes_its_use_once_a_minute(access: Access) -> None:
    await access.add_token("ci", ("push",), SECRET, "cli", NOW)
    noted = []
    for after in (0, 59, 60):
        await access.token(SECRET, NOW + after)
        noted.append((await access.tokens())[0].last_used_at)
    same(noted, [NOW, NOW, NOW + 60], "when it was last used")


async def a_revoked_token_is_worth_nothing(access: Access) -> None:
    made = await access.add_token("ci", ("push",), SECRET, "cli", NOW)
    holds(await access.revoke_token(made.id, "cli", NOW), "revoking it succeeds")
    same(await access.token(SECRET, NOW), None, "the token")
    holds(not await access.revoke_token(made.id, "cli", NOW), "revoking it again does nothing")
    same(await access.tokens(), (), "the list")


# --- codes -----------------------------------------------------------------------------------


async def a_code_is_used_once(access: Access) -> None:
    await access.put_code("claim", SECRET, NOW + 10, NOW)
    holds(await access.use_code("claim", SECRET, NOW + 1), "using it succeeds")
    holds(not await access.use_code("claim", SECRET, NOW + 1), "using it again does nothing")


async def a_code_is_for_one_purpose(access: Access) -> None:
    await access.put_code("claim", SECRET, NOW + 10, NOW)
    holds(
        not await access.use_code("setup", SECRET, NOW), "using it for another purpose does nothing"
    )
    holds(await access.use_code("claim", SECRET, NOW), "using it for its own succeeds")


async def a_code_ends_by_the_clock(access: Access) -> None:
    await access.put_code("claim", SECRET, NOW + 10, NOW)
    holds(not await access.use_code("claim", SECRET, NOW + 10), "using it at its end does nothing")


async def ten_wrong_tries_are_the_end_of_a_code(access: Access) -> None:
    await access.put_code("claim", SECRET, NOW + 10, NOW)
    for _ in range(10):
        holds(not await access.use_code("claim", OTHER, NOW), "using a wrong code does nothing")
    holds(not await access.use_code("claim", SECRET, NOW), "using the right one, then does nothing")


async def nine_wrong_tries_are_not(access: Access) -> None:
    await access.put_code("claim", SECRET, NOW + 10, NOW)
    for _ in range(9):
        await access.use_code("claim", OTHER, NOW)
    holds(await access.use_code("claim", SECRET, NOW), "using the right one succeeds")


async def a_code_that_nobody_guesses_bears_any_number_of_tries(access: Access) -> None:
    await access.put_code("link:1", SECRET, NOW + 10, NOW)
    for _ in range(12):
        wrong = await access.use_code("link:1", OTHER, NOW, is_guessable=False)
        holds(not wrong, "using a wrong code does nothing")
    right = await access.use_code("link:1", SECRET, NOW, is_guessable=False)
    holds(right, "using the right one succeeds")


async def looking_at_a_code_does_not_use_it(access: Access) -> None:
    await access.put_code("link:1", SECRET, NOW + 10, NOW)
    holds(await access.is_code("link:1", SECRET, NOW + 1), "the right code is known")
    holds(await access.is_code("link:1", SECRET, NOW + 1), "and still is")
    holds(not await access.is_code("link:1", OTHER, NOW), "a wrong one is not")
    holds(not await access.is_code("link:2", SECRET, NOW), "nor is one for another purpose")
    holds(not await access.is_code("link:1", SECRET, NOW + 10), "nor is one that is over")
    holds(await access.use_code("link:1", SECRET, NOW), "using it succeeds")


async def a_new_code_replaces_the_old_one(access: Access) -> None:
    await access.put_code("claim", SECRET, NOW + 10, NOW)
    for _ in range(9):
        await access.use_code("claim", b"wrong" * 7, NOW)
    await access.put_code("claim", OTHER, NOW + 10, NOW)
    holds(not await access.use_code("claim", SECRET, NOW), "using the old one does nothing")
    holds(
        await access.use_code("claim", OTHER, NOW), "using the new one, with its own tries succeeds"
    )


# --- audit -----------------------------------------------------------------------------------


async def every_change_is_audited_without_secrets(access: Access) -> None:
    ann = await _add(access)
    await _add(access, "bob")
    session = await _log_in(access, ann)
    await access.end_session(session.id, "operator:bob", NOW)
    await access.change_operator(ann.id, "cli", NOW, password_hash="pw")  # noqa: S106 - pretended
    token = await access.add_token("ci", ("push",), OTHER, "cli", NOW)
    await access.revoke_token(token.id, "cli", NOW)
    lines = await access.audit_lines()
    same(
        [line.action for line in reversed(lines)],
        [
            "operator.add",
            "operator.add",
            "login",
            "logout",
            "operator.change",
            "token.create",
            "token.revoke",
        ],
        "what was written",
    )
    for line in lines:
        holds("hash of" not in line.details, "no hash stands in the audit")
        holds('"pw"' not in line.details, "nor what was given as one")


async def the_audit_is_read_backwards(access: Access) -> None:
    for number in range(5):
        await access.audit("cli", "pause", f"chat:{number}", "{}", NOW + number)
    first = await access.audit_lines(limit=2)
    same([line.subject for line in first], ["chat:4", "chat:3"], "the newest")
    rest = await access.audit_lines(before=first[-1].id)
    same([line.subject for line in rest], ["chat:2", "chat:1", "chat:0"], "those before")
    same((rest[0].at, rest[0].author, rest[0].details), (NOW + 2, "cli", "{}"), "a line")
