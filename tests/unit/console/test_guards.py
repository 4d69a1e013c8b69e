"""Who may see and change what: over every address of the console."""

import re

import pytest

from posthouse.console.asking import Entry
from posthouse.model.permission import OperatorRole
from posthouse.store.reader import Mark
from tests.unit.console.office import Browser, Elements, Office, lead
from tests.unit.console.written import asked


def address(entry: Entry, office: Office) -> str:
    """An address that exists, or nearly."""
    known = {"chat": str(office.chat), "bot": "b", "base": "b"}
    return re.sub(r"{(\w+)}", lambda found: known.get(found[1], "1"), entry.path).removeprefix("/")


def changes(office: Office) -> list[Entry]:
    return [entry for entry in office.console.entries if entry.method == "POST"]


def looks(office: Office) -> list[Entry]:
    return [
        entry
        for entry in office.console.entries
        if entry.method == "GET" and entry.path != "/events"
    ]


async def everything(office: Office) -> object:
    """What a change would change."""
    store = office.store
    return (
        await store.reader.page(office.chat),
        await store.chats.list(),
        await store.grants.list(),
        await store.grants.people(),
        await store.access.operators(),
        await store.access.tokens(),
        await office.audit(),
        (await store.reader.feed(Mark())).changes,
    )


async def test_nobody_sees_anything_without_signing_in(office: Office) -> None:
    await office.scene.told("secret question", "secret answer")
    stranger = office.stranger()
    for entry in looks(office):
        answer = await stranger.get(address(entry, office))
        assert answer.status == 303, entry.path
        where = lead(address(entry, office), answer.headers["location"])
        assert where.partition("?")[0] == "/console/sign-in", entry.path
        assert "secret" not in answer.text
    assert (await stranger.get("events")).status == 401


async def test_nobody_changes_anything_without_signing_in(office: Office) -> None:
    before = await everything(office)
    for entry in changes(office):
        assert (await office.stranger().post(address(entry, office))).status == 401, entry.path
    assert await everything(office) == before


OWN = {"/settings/account/password", "/settings/account/sessions/{session}/end"}


async def test_a_viewer_changes_nothing(office: Office, viewer: Browser) -> None:
    await office.failed()
    before = await everything(office)
    tried = [entry for entry in changes(office) if entry.path not in OWN]
    assert len(tried) > 12
    for entry in tried:
        answer = await viewer.post(address(entry, office), {"text": "x", "key": "k", "for": "ever"})
        assert answer.status == 403, entry.path
    assert await everything(office) == before


async def test_a_viewer_is_offered_nothing_that_they_may_not_do(
    office: Office, viewer: Browser
) -> None:
    failed = await office.failed()
    await office.scene.told("hello", "hi")
    await asked(office, answer="thus")
    await office.room.ingest.answer("help", "how?", "thus")
    (entry,) = await office.store.documents.documents("help")
    for path in (
        "",
        "chats",
        f"chats/{office.chat}",
        "trouble",
        f"deliveries/{failed}",
        "bots/b",
        "settings/chats",
        "settings/people",
        "held",
        "knowledge",
        "knowledge/bases/help",
        f"knowledge/documents/{entry.id}",
        "knowledge/questions",
        "knowledge/questions/1",
        "knowledge/told?passage=help:a%231",
        "knowledge/gates",
        "knowledge/handoffs",
    ):
        page = (await viewer.get(path)).text
        forms = [
            attributes.get("action")
            for tag, attributes in Elements(page).found
            if tag == "form" and attributes.get("method") == "post"
        ]
        assert all(str(form).endswith(("preferences", "sign-out")) for form in forms), path
        assert "/recall" not in page


@pytest.mark.parametrize("role", [OperatorRole.VIEWER, OperatorRole.OPERATOR])
async def test_only_admins_look_after_operators_and_tokens(
    office: Office, admin: Browser, role: OperatorRole
) -> None:
    browser = await office.enter(role)
    mine = [entry for entry in office.console.entries if entry.role is OperatorRole.ADMIN]
    assert len(mine) > 8
    for entry in mine:
        where = address(entry, office)
        ask = browser.post if entry.method == "POST" else browser.get
        assert (await ask(where)).status == 403, entry.path


FOREIGN = [
    "https://evil.test",
    "null",
    "",
    "http://",
    "http://house.test.evil.test",
    "file://house.test",
]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_no_other_site_changes_anything(office: Office, admin: Browser, origin: str) -> None:
    before = await everything(office)
    for path in [address(entry, office) for entry in changes(office)] + [
        "sign-in",
        "sign-out",
        "preferences",
        "set-up/code",
        "link/1.code",
    ]:
        answer = await admin.post(path, {"for": "ever"}, origin=origin)
        assert answer.status == 403, path
        assert "foreign" in answer.text or "另一个网站" in answer.text
    assert await everything(office) == before
    assert (await admin.get("")).status == 200


async def test_the_public_address_is_one_of_ours() -> None:
    office = await Office.open(public_url="https://bots.example.org/house")
    admin = await office.enter(OperatorRole.ADMIN)
    path = f"chats/{office.chat}/pause"
    theirs = await admin.post(path, origin="https://bots.example.org")
    assert theirs.status == 303
    assert (await admin.post(path, origin="https://example.org")).status == 403
    await office.store.close()


async def test_a_session_that_was_ended_is_over(office: Office, admin: Browser) -> None:
    other = await office.enter(OperatorRole.ADMIN, "eve")
    assert (await other.get("")).status == 200
    (session,) = [
        session
        for session in await office.store.access.sessions(office.scene.now)
        if session.operator == max(o.id for o in await office.store.access.operators())
    ]
    assert (await admin.post(f"settings/sessions/{session.id}/end")).status == 303
    assert (await other.get("")).status == 303


async def test_nobody_ends_the_sessions_of_others_as_if_they_were_their_own(
    office: Office, admin: Browser, viewer: Browser
) -> None:
    sessions = await office.store.access.sessions(office.scene.now)
    names = {one.id: one.name for one in await office.store.access.operators()}
    number = {names[session.operator]: session.id for session in sessions}
    answer = await viewer.post(f"settings/account/sessions/{number['ada']}/end")
    assert answer.status == 404
    assert (await admin.get("")).status == 200
    assert (await viewer.post(f"settings/account/sessions/{number['vic']}/end")).status == 303
    assert (await viewer.get("")).status == 303


async def test_nonsense_is_answered_in_words(office: Office, admin: Browser) -> None:
    for path in (
        "nowhere",
        "chats/999",
        "chats/x",
        "roads/0",
        "deliveries/-1",
        "turns/99999999999",
        "bots/none",
        "chats/1/recall?delivery=7",
        "static/none/x.css",
    ):
        answer = await admin.get(path)
        assert answer.status == 404, path
        assert "Traceback" not in answer.text
    assert (await admin.get("chats?from=-1&mode=odd&q=%00")).status == 200
    assert (await admin.get(f"chats/{office.chat}?before=abc")).status == 200
    large = await admin.ask(
        "POST", f"chats/{office.chat}/reply", b"x" * 70_000, {"origin": "http://house.test"}
    )
    assert large.status == 413
    odd = await admin.ask(
        "POST", f"chats/{office.chat}/reply", b"text=%ff", {"origin": "http://house.test"}
    )
    assert odd.status == 422
