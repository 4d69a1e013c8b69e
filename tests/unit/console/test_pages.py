"""What the pages show, under which policy, and what they never run."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from markupsafe import escape
from msgspec.structs import replace

from posthouse.console import search, words
from posthouse.console.pages import POLICY
from posthouse.model.address import ChatKind, ChatMode, Person, SessionKind
from posthouse.model.disposition import NewDelivery
from posthouse.model.event import MessageReceived
from posthouse.model.message import Content, File, Image, Media, Text
from posthouse.model.permission import Effect, Field, OperatorRole, Subject, SubjectKind
from posthouse.model.turn import TurnState
from posthouse.settings.settings import RouteRule
from posthouse.store.asked import Question, Spending, Verdict
from posthouse.store.conduct import Handoff, Rule, Scope
from posthouse.store.documents import SourceKind
from posthouse.store.grants import ChatOperator, NewGrant, Stranger
from posthouse.store.journal import Result
from posthouse.testing.conformance.scene import BOT, output
from tests.unit.console.office import Browser, Elements, Office
from tests.unit.console.test_guards import address, looks
from tests.unit.console.written import Scripted

CORPUS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "javascript:alert(1)",
    "</textarea><script>alert(1)</script>",
    '" onmouseover="alert(1)" x="',
    "{{ 7 * 7 }}{% raw %}",
    "<a href='javascript:alert(1)'>x</a>",
    "</title><script src=//evil.test/x.js></script>",
    "\u202e<iframe srcdoc='<script>alert(1)</script>'>",
]


async def poisoned(office: Office, evil: str) -> None:
    """Put a text wherever somebody outside can put one."""
    scene = office.scene
    chat = await office.store.chats.resolve(
        office.scene.message("x").place.__class__("b", "room", title=evil), scene.now
    )
    parts = (Text(evil), Image(Media("r1", evil, "image/png", 3)), File(Media("r2", evil)))
    message = MessageReceived(
        key=f"m:room:{evil}",
        place=scene.message("x").place,
        sender=Person(evil, evil),
        message_id=evil,
        parts=parts,
        at=scene.now,
    )
    await scene.accept(message)
    claimed = await scene.claim_one()
    said = NewDelivery(
        origin=f"turn:{claimed.turn.id}",
        ordinal=0,
        part=0,
        content=Content(evil, media=Media("r3", evil)),
        key="k",
        body=b"x",
    )
    await scene.finish(claimed, result=Result(deliveries=(said,), notes=((evil, evil),)))
    await scene.deliver()
    await office.failed(evil)
    await scene.say(evil)
    buried = await scene.claim_one()
    await scene.finish(buried, result=Result(state=TurnState.BURIED, reason=f"buried {evil}"))
    who = Subject(SubjectKind.PERSON, evil)
    await office.store.grants.grant(
        NewGrant(effect=Effect.ALLOW, subject=who, field=Field(scene=evil), note=evil),
        evil,
        scene.now,
    )
    steerer = ChatOperator(bot="b", person=evil, name=evil)
    await office.store.grants.make_operator(steerer, evil, scene.now)
    stranger = Stranger(
        bot="b", person=f"other {evil}", handler=evil, reason="not_granted", at=scene.now, name=evil
    )
    await office.store.grants.meet(stranger)
    await office.store.grants.meet(replace(stranger, reason=f"not_granted {evil}"))
    await office.store.chats.set_handler(chat.id, evil)
    await office.store.access.add_token(evil, (evil,), b"h", evil, scene.now)
    await office.store.access.audit(evil, evil, evil, evil, scene.now)
    assert chat.id == office.chat
    await poisoned_knowledge(office, evil)


async def poisoned_knowledge(office: Office, evil: str) -> None:
    """Put a text into questions, documents and handoffs; each is the first of its kind."""
    now = office.scene.now
    await office.room.ingest.answer("b", evil, evil)
    source = await office.store.documents.add_source("b", SourceKind.FOLDER, evil, "{}", now)
    await office.store.documents.checked(source, evil, now)
    question = Question(
        turn=1,
        handler=evil,
        bot="b",
        chat=office.chat,
        session="",
        person=evil,
        at=now,
        text=evil,
        base="b",
        reason=f"unsure {evil}",
        answer=evil,
        passages=(f"b:{evil}#1",),
        verdict=Verdict.BAD,
    )
    await office.store.asked.record(question)
    handoff = Handoff(handler=evil, chat=office.chat, person=evil, since_at=now, turn=1)
    await office.store.conduct.hand_off(handoff)
    spending = Spending(
        turn=1,
        call=0,
        model=evil,
        bot=evil,
        chat=0,
        person=evil,
        at=now,
        prompt_tokens=1,
        answer_tokens=1,
    )
    await office.store.asked.spend(spending)
    office.tries[evil] = Scripted({})
    scope = Scope(handler=evil, bot=evil, person=evil)
    await office.store.conduct.set_rule(scope, Rule(tone=evil), evil, now)


@pytest.mark.parametrize("evil", CORPUS)
async def test_nothing_that_people_write_runs_in_a_page(office: Office, evil: str) -> None:
    admin = await office.enter(OperatorRole.ADMIN, "ada", language="en")
    await office.sign_in.invite(re.sub("\u202e", "", evil)[:60], OperatorRole.VIEWER, "x")
    await poisoned(office, evil)
    scripts = 0
    shown = 0
    for entry in looks(office):
        passage = f"passage={quote(f'b:{evil}#1')}"
        for query in ("", f"?q={evil.replace('&', '')}&done={evil}&next={evil}&{passage}"):
            page = (await admin.get(address(entry, office) + query)).text
            shown += str(escape(evil)) in page
            for tag, attributes in Elements(page).found:
                assert not any(name.startswith("on") or name == "style" for name in attributes)
                assert "javascript:" not in str(attributes.get("href")), entry.path
                assert tag not in {"iframe", "object", "embed", "base"}
                if tag == "script":
                    scripts += 1
                    assert re.search(r"/static/\w+/", str(attributes.get("src"))), entry.path
                if tag == "img":
                    assert str(attributes["src"]).endswith("mark.svg")
            assert "49{" not in page
    assert scripts > 20
    assert shown > 5, "the corpus must be on the pages, or this test proves nothing"


async def test_every_page_has_the_policy_and_relative_addresses(
    office: Office, admin: Browser
) -> None:
    failed = await office.failed()
    await office.scene.told("hello", "hi")
    paths = [address(entry, office) for entry in looks(office)]
    for path in [*paths, f"deliveries/{failed}", "sign-in", "set-up/x", "link/1.x", "nowhere"]:
        answer = await admin.get(path)
        if answer.status == 303:
            continue
        assert answer.headers["content-security-policy"] == POLICY, path
        assert answer.headers["cache-control"] == "no-store"
        for where in Elements(answer.text).addresses():
            assert not where.startswith("/"), f"{path}: {where}"
            assert "://" not in where, f"{path}: {where}"
    assert "unsafe" not in POLICY


async def test_pages_below_a_sub_path_lead_to_one_another(office: Office, admin: Browser) -> None:
    await office.scene.told("hello", "hi")
    page = (await admin.get(f"chats/{office.chat}")).text
    assert 'href="../roads/' in page
    assert re.search(r'href="\.\./static/\w+/console\.css"', page)
    assert re.search(r'src="\.\./static/\w+/vendor/htmx-[\d.]+\.min\.js"', page)


async def test_files_of_the_pages_are_kept_by_browsers(office: Office, admin: Browser) -> None:
    page = (await admin.get("")).text
    found = re.search(r'href="\./(static/\w+/console\.css)"', page)
    assert found is not None
    answer = await office.stranger().get(found[1])
    assert (answer.status, answer.headers["x-content-type-options"]) == (200, "nosniff")
    assert "immutable" in answer.headers["cache-control"]


async def test_a_chat_is_shown_as_people_see_it(office: Office, admin: Browser) -> None:
    scene = office.scene
    await scene.told("how do I print?", "like this")
    await scene.wait(1)
    await scene.answer("and now?", "soon")
    await scene.wait(1)
    await scene.say("still waiting")
    page = (await admin.get(f"chats/{office.chat}")).text
    places = [
        page.index(words)
        for words in ("how do I print?", "like this", "and now?", "soon", "still waiting")
    ]
    assert places == sorted(places)
    for word in ("已回答", "已送达", "排队中"):
        assert word in page
    english = await office.enter(OperatorRole.VIEWER, language="en-GB")
    assert "delivered" in (await english.get(f"chats/{office.chat}")).text


async def test_what_is_in_trouble_comes_first(office: Office, admin: Browser) -> None:
    assert "一切正常" in (await admin.get("")).text
    failed = await office.failed("the words that never arrived")
    office.pulse.is_full = True
    page = (await admin.get("")).text
    assert page.index("存储已满") < page.index("没能送达") < page.index("过去 24 小时")
    page = (await admin.get("trouble")).text
    assert "the words that never arrived" in page
    assert "平台拒绝 (60020)" in page
    assert f"deliveries/{failed}" in page


async def test_the_road_of_a_message_is_told_with_its_times(office: Office, admin: Browser) -> None:
    scene = office.scene
    receipt = await scene.say("question")
    await scene.wait(2)
    claimed = await scene.claim_one()
    await scene.finish(
        claimed,
        result=Result(
            deliveries=(output(f"turn:{claimed.turn.id}", "answer"),), notes=(("score", "0.71"),)
        ),
    )
    await scene.wait(1)
    await scene.deliver()
    page = (await admin.get(f"roads/{receipt.event}")).text
    for part in ("question", "demo", "score", "0.71", "answer", "+2.0 s", "+3.0 s", "已送达"):
        assert part in page, part


async def test_chats_are_found_by_name_and_the_filter_is_in_the_address(
    office: Office, admin: Browser
) -> None:
    kind = office.scene.message("x").place.__class__
    await office.store.chats.resolve(kind("b", "r2", title="Warehouse"), office.scene.now)
    await office.store.chats.resolve(kind("b", "r3", title="Front desk"), office.scene.now)
    page = (await admin.get("chats?q=ware")).text
    assert "Warehouse" in page
    assert "Front desk" not in page
    assert 'value="ware"' in page
    assert "没有匹配" in (await admin.get("chats?q=nobody")).text
    assert "r2" not in page, "names, never bare ids"


async def test_search_goes_on_further_back(
    office: Office, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "ROWS_LOOKED_AT", 3)
    await office.scene.say("a needle", who="ann")
    for number in range(5):
        await office.scene.say(f"hay {number}", who="ann")
    page = (await admin.get("search?q=needle")).text
    assert "a needle" not in page
    (further,) = re.findall(r'href="(search\?q=needle&amp;below=[0-9-]+)"', page)
    page = (await admin.get(further.replace("&amp;", "&"))).text
    assert "a needle" in page
    assert "继续往前找" not in page, "there is nothing further back"
    assert 'href="search?q=needle"' in page, "the way back to the newest"
    assert (await admin.get("search?q=needle&below=nonsense")).status == 200


async def test_search_shows_both_sides_and_says_how_far_it_looks(
    office: Office, admin: Browser
) -> None:
    await office.scene.told("where is the printer?", "the printer is upstairs")
    page = (await admin.get("search?q=PRINTER")).text
    assert "where is the printer?" in page
    assert "the printer is upstairs" in page
    assert "20,000" in page


async def test_the_settings_say_which_rule_won() -> None:
    rules = (
        RouteRule(prefix="/", handler="commands"),
        RouteRule(chat=99, ignore=True),
        RouteRule(bot="b", handler="demo"),
    )
    office = await Office.open(rules=rules)
    admin = await office.enter(OperatorRole.ADMIN)
    page = (await admin.get("settings/chats")).text
    assert "第 3 条 [[routes]]" in page
    assert "1 条带条件的" in page
    assert "本会话设置" not in page
    office.arrangement = replace(office.arrangement, rules=rules[1:])  # reloaded
    assert "第 2 条 [[routes]]" in (await admin.get("settings/chats")).text
    await office.store.close()


async def test_the_settings_say_what_was_set_for_the_chat_and_what_was_not(
    office: Office, admin: Browser
) -> None:
    page = (await admin.get("settings/chats")).text
    assert page.count("本会话设置") == 0
    assert "全局：中文" in page
    office.bots[BOT] = replace(office.bots[BOT], language="en")
    assert "机器人：English" in (await admin.get("settings/chats")).text
    chats, chat = office.store.chats, office.chat
    await chats.set_mode(chat, ChatMode.LISTEN, office.scene.now)
    await chats.set_session_kind(chat, SessionKind.CHAT)
    await chats.set_language(chat, "en")
    await chats.set_handler(chat, "commands")
    page = (await admin.get("settings/chats")).text
    assert page.count("本会话设置") == 4
    assert '<option value="commands" selected>' in page
    assert "按规则：demo" in page


async def test_a_chosen_handler_that_is_gone_is_said_so(office: Office, admin: Browser) -> None:
    await office.store.chats.set_handler(office.chat, "robot")
    page = (await admin.get("settings/chats")).text
    assert "robot 已不存在；默认规则" in page


async def test_who_came_without_a_grant_is_one_person_with_all_that_they_wanted(
    office: Office, operator: Browser
) -> None:
    wanted = [("ann", "not_granted deploy"), ("ben", "not_granted"), ("ann", "not_granted bills")]
    for number, (person, reason) in enumerate(wanted):
        stranger = Stranger(
            bot=BOT,
            person=person,
            handler="demo",
            reason=reason,
            at=office.scene.now + number,
            name=person.title(),
        )
        await office.store.grants.meet(stranger)
    page = (await operator.get("settings/people")).text
    names = re.findall(r'<th scope="rowgroup" rowspan="(\d)">(\w+)<small>', page)
    assert names == [("2", "Ann"), ("1", "Ben")]
    assert all(f"<strong>{what}</strong>" in page for what in ("deploy", "bills", "demo"))


async def test_a_bot_is_shown_with_what_it_promises_and_can_be_checked(
    office: Office, admin: Browser
) -> None:
    page = (await admin.get("bots/b")).text
    assert "最多重发一次" in page
    assert "能，1 h" in page or "能，60 min" in page
    assert "磁盘快满了" in (await admin.post("bots/b/test")).text


async def test_language_and_theme_are_chosen_and_kept(office: Office, admin: Browser) -> None:
    answer = await admin.post("preferences", {"language": "en", "back": "chats?q=a"})
    assert answer.headers["location"] == "chats?q=a"
    assert "Find by name" in (await admin.get("chats")).text
    await admin.post("preferences", {"theme": "dark"})
    assert 'data-theme="dark"' in (await admin.get("chats")).text
    for evil in ("//evil.test", "https://evil.test", "/\\evil.test", "../../x"):
        answer = await admin.post("preferences", {"theme": "light", "back": evil})
        assert answer.headers["location"] == "./"
    await admin.post("preferences", {"theme": "<script>", "language": "xx"})
    assert 'data-theme="light"' in (await admin.get("")).text


def test_every_word_is_there_in_both_languages() -> None:
    assert [name for name, said in words._WORDS.items() if not all(said)] == []
    fields = {
        name: [set(re.findall(r"{(\w+)}", text)) for text in said]
        for name, said in words._WORDS.items()
    }
    assert [name for name, (zh, en) in fields.items() if zh != en] == []


def test_no_word_is_left_that_no_page_says() -> None:
    folder = Path(words.__file__).parent
    pages = [path for path in folder.rglob("*") if path.suffix in {".html", ".py"}]
    text = "".join(path.read_text("utf-8") for path in pages if path.name != "words.py")
    by_value = (
        "state_",
        "done_",
        "amend_",
        "mark_",
        "session_",
        "role_",
        "counts_",
        *map(str, ChatMode),
    )
    known = {*map(str, ChatKind), *map(str, OperatorRole)}
    unsaid = [
        name
        for name in words._WORDS
        if name not in known
        and not name.startswith(by_value)
        and not re.search(rf'w\.{name}\b|"{name}"|\'{name}\'', text)
    ]
    assert unsaid == []
