"""知识: from a question without an answer to one that is live, and taking back what was wrong."""

import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from msgspec.structs import replace

from posthouse.console.faq import Faq, entry
from posthouse.knowledge.gate.gate import load
from posthouse.knowledge.passage import Extract
from posthouse.knowledge.sources.catalogue import options_of
from posthouse.model.address import Person
from posthouse.model.delivery import Kind, Sent, State
from posthouse.model.permission import OperatorRole
from posthouse.store.asked import Spending, TrialSpending, Verdict
from posthouse.store.conduct import Handoff, Rule, Scope
from posthouse.store.documents import Document, SourceKind
from posthouse.testing.conformance.scene import BOT, output
from tests.unit.console.office import ORIGIN, Browser, Office, lead
from tests.unit.console.written import PASSAGE, Scripted, asked


async def found(office: Office, base: str) -> list[tuple[Document, Extract]]:
    """All documents of a base as an index would read them."""
    changes = await office.store.documents.changes(base, 0)
    return [
        (change.document, msgspec.json.decode(change.body, type=Extract))
        for change in changes
        if change.document is not None
    ]


# --- the queue -------------------------------------------------------------------------------


async def test_an_answer_is_live_at_once_and_the_question_dealt_with(
    office: Office, operator: Browser
) -> None:
    await office.store.documents.add_base("help", office.scene.now)
    question = await asked(office, "怎么退款？")
    assert "怎么退款？" in (await operator.get("knowledge/questions")).text
    path = f"knowledge/questions/{question.turn}"
    assert "怎么退款？" in (await operator.get(path)).text
    form = {"question": "怎么退款？", "answer": "发邮件给财务。", "exact": "1", "base": "help"}
    answer = await operator.post(f"{path}/answer", form)
    where = lead(f"{path}/answer", answer.headers["location"])
    assert where == "/console/knowledge/questions?done=answered"
    ((written, extract),) = await found(office, "help")
    assert (extract.is_exact, extract.question) == (True, "怎么退款？")
    assert [block.text for block in extract.blocks] == ["发邮件给财务。"]
    assert await office.store.asked.open_questions() == ()
    assert "怎么退款？" not in (await operator.get("knowledge/questions")).text
    assert ("operator:olga", "faq", "base:help") in await office.audit()
    assert written.title in (await operator.get(f"knowledge/documents/{written.id}")).text


async def test_where_there_is_no_base_one_is_made_for_the_answer(
    office: Office, operator: Browser
) -> None:
    question = await asked(office, base="")
    form = {"question": "how?", "answer": "thus", "base": "faq"}
    await operator.post(f"knowledge/questions/{question.turn}/answer", form)
    ((_, extract),) = await found(office, "faq")
    assert not extract.is_exact


@pytest.mark.parametrize(
    "form",
    [
        {"question": " ", "answer": "x", "base": "help"},
        {"question": "x", "answer": "", "base": "help"},
        {"question": "x", "answer": "x", "base": "elsewhere"},
        {"question": "x" * 501, "answer": "x", "base": "help"},
        {"question": "x", "answer": "x" * 8001, "base": "help"},
    ],
)
async def test_half_an_answer_is_refused(
    office: Office, operator: Browser, form: dict[str, str]
) -> None:
    question = await asked(office)
    answer = await operator.post(f"knowledge/questions/{question.turn}/answer", form)
    assert answer.status == 422
    assert len(await office.store.asked.open_questions()) == 1


async def test_a_question_is_taken_off_the_list(office: Office, operator: Browser) -> None:
    question = await asked(office)
    await operator.post(f"knowledge/questions/{question.turn}/resolve")
    assert await office.store.asked.open_questions() == ()
    page = (await operator.get("knowledge/questions?show=all")).text
    assert "已处理" in page


async def test_what_many_ask_is_dealt_with_once(office: Office, operator: Browser) -> None:
    for text in ("怎么退款？", "怎么退款", "怎么 退款 ?!"):
        await asked(office, text)
    question = await asked(office, "别的问题")
    first = (await office.store.asked.open_questions())[-1]
    page = (await operator.get("knowledge/questions")).text
    assert "问过 3 次" in page
    assert page.count("退款") == 2, "one card: its words and the name of its button"
    await operator.post(f"knowledge/questions/{first.turn}/resolve")
    (left,) = await office.store.asked.open_questions()
    assert left.turn == question.turn


async def test_what_waits_for_a_review_is_not_dealt_with_by_another(
    office: Office, operator: Browser
) -> None:
    held = await asked(office, "怎么退款？", answer="找财务。", reason="held_for_review")
    other = await asked(office, "怎么退款？")
    await operator.post(f"knowledge/questions/{other.turn}/resolve")
    (left,) = await office.store.asked.open_questions()
    assert left.turn == held.turn


async def test_answers_are_shown_without_their_marks(office: Office, operator: Browser) -> None:
    text = "**怎么退款** [1]\n\n> 发 `refund`"
    question = await asked(office, answer=text, verdict=Verdict.BAD)
    for page in ("knowledge/questions", f"knowledge/questions/{question.turn}"):
        shown = (await operator.get(page)).text
        assert "怎么退款 [1]" in shown
        assert "**" not in shown


async def test_a_verdict_says_whether_it_was_right(office: Office, operator: Browser) -> None:
    question = await asked(office, answer="thus")
    path = f"knowledge/questions/{question.turn}/verdict"
    await operator.post(path, {"verdict": "bad"})
    (waiting,) = await office.store.asked.open_questions()
    assert waiting.verdict is Verdict.BAD
    assert "被点 👎" in (await operator.get("knowledge/questions")).text
    assert (await operator.post(path, {"verdict": "maybe"})).status == 422


async def test_the_queue_goes_on_page_by_page(office: Office, operator: Browser) -> None:
    first = await asked(office, "the very first")
    for number in range(30):
        await asked(office, f"question {number}")
    page = (await operator.get("knowledge/questions")).text
    assert "the very first" not in page
    older = await operator.get(f"knowledge/questions?before={first.turn + 1}")
    assert "the very first" in older.text


async def test_an_answer_that_waited_for_a_review_is_let_out_once(
    office: Office, operator: Browser
) -> None:
    question = await asked(office)
    held = replace(question, answer="a delicate answer", reason="held_for_review")
    await office.store.asked.record(held)
    path = f"knowledge/questions/{question.turn}"
    assert "等待审核的回答" in (await operator.get(path)).text
    assert (await operator.post(f"{path}/send")).status == 303
    assert (await operator.post(f"{path}/send")).status == 409
    said = [row.text for row in (await office.store.reader.page(office.chat)).said]
    assert said == ["a delicate answer"]
    assert await office.store.asked.open_questions() == ()
    assert ("operator:olga", "reply", f"chat:{office.chat}") in await office.audit()


# --- entries ---------------------------------------------------------------------------------


async def test_an_entry_that_is_reworded_replaces_the_old_one(
    office: Office, operator: Browser
) -> None:
    await office.room.ingest.answer("help", "a", "b")
    ((old, _),) = await found(office, "help")
    assert "b</textarea>" in (await operator.get(f"knowledge/faq?document={old.id}")).text
    form = {"base": "help", "document": str(old.id), "question": "a", "answer": "c", "exact": "1"}
    answer = await operator.post("knowledge/faq", form)
    where = lead("knowledge/faq", answer.headers["location"])
    assert where == "/console/knowledge/bases/help?done=answered"
    ((same, extract),) = await found(office, "help")
    assert (same.id, extract.blocks[0].text) == (old.id, "c")
    await operator.post("knowledge/faq", form | {"question": "A, reworded"})
    assert [each.path for each, _ in await found(office, "help")] == ["A, reworded"]


async def test_what_is_no_entry_is_not_read_as_one(office: Office) -> None:
    await office.room.ingest.answer("help", "q", "a", is_exact=False)
    (written,) = await office.store.documents.changes("help", 0)
    assert written.document is not None
    assert entry(written.document, written.body) == Faq(question="q", answer="a", is_exact=False)
    assert entry(replace(written.document, format="md"), written.body) is None


# --- who was told ----------------------------------------------------------------------------


async def test_everybody_who_was_told_is_found_and_it_is_taken_back(
    office: Office, operator: Browser
) -> None:
    for who in ("ann", "bob"):
        await asked(office, f"{who} asks", f"told {who}", who=who)
        await office.scene.deliver()
    await asked(office, "other", "another answer", passages=())
    await office.scene.deliver()
    page = (await operator.get(f"knowledge/told?passage={quote(PASSAGE)}")).text
    assert "told ann" in page
    assert "told bob" in page
    assert "another answer" not in page
    assert "撤回 2 条消息" in page
    await operator.post("knowledge/told/recall", {"passage": PASSAGE})
    said = (await office.store.reader.page(office.chat)).said
    states = {row.text: row.delivery.state for row in said}
    assert states["told ann"] is states["told bob"] is State.WITHDRAWING
    assert states["another answer"] is State.SENT
    assert ("operator:olga", "recall", f"passage:{PASSAGE}") in await office.audit()


async def test_an_answer_that_grew_is_one_message_to_take_back(
    office: Office, operator: Browser
) -> None:
    scene = office.scene
    await scene.say("it grows")
    claimed = await scene.claim_one()
    origin = f"turn:{claimed.turn.id}"
    draft = output(origin, "…", kind=Kind.DRAFT)
    (number,) = await scene.journal.put(claimed.claim, claimed.turn.id, (draft,), scene.now)
    await scene.settle(await scene.send_one(), Sent(("p1",)))
    final = output(origin, "the end", ordinal=1, kind=Kind.SETTLE, target=number)
    await scene.finish(claimed, final)
    before = await asked(office, "it is said at once", "told")
    question = replace(before, turn=claimed.turn.id, text="it grows", answer="the end")
    await office.store.asked.record(question)
    page = (await operator.get(f"knowledge/told?passage={quote(PASSAGE)}")).text
    assert "2 个回答" in page
    assert "撤回 2 条消息" in page


async def test_a_passage_goes_into_quarantine_and_out_again(
    office: Office, operator: Browser
) -> None:
    await operator.post("knowledge/told/quarantine", {"passage": PASSAGE})
    assert await office.store.documents.quarantined("help") == {PASSAGE}
    page = (await operator.get(f"knowledge/told?passage={quote(PASSAGE)}")).text
    assert "解除隔离" in page
    await operator.post("knowledge/told/release", {"passage": PASSAGE})
    assert await office.store.documents.quarantined("help") == frozenset()
    assert (await operator.post("knowledge/told/quarantine", {"passage": "x"})).status == 422


async def test_a_correction_is_said_once_in_each_chat(office: Office, operator: Browser) -> None:
    for number in range(2):
        await asked(office, f"question {number}", f"wrong {number}")
        await office.scene.deliver()
    form = {"passage": PASSAGE, "text": "the right words", "key": "k1"}
    for _ in range(2):  # pressed twice
        await operator.post("knowledge/told/correct", form)
    said = [row.text for row in (await office.store.reader.page(office.chat)).said]
    corrections = [text for text in said if "the right words" in text]
    assert corrections == ["更正：关于“question 1”\n\nthe right words"]
    assert (await operator.post("knowledge/told/correct", form | {"text": " "})).status == 422


# --- trying ----------------------------------------------------------------------------------


def tried(office: Office, answers: dict[str, str] | None = None) -> Scripted:
    scripted = Scripted(answers or {"how?": "thus [1]"})
    office.tries["assistant"] = scripted
    return scripted


def form_of(questions: Sequence[str], **fields: str) -> dict[str, str]:
    return {"handler": "assistant", "questions": "\n".join(questions), **fields}


async def test_a_question_is_tried_as_somebody_in_a_chat(office: Office, operator: Browser) -> None:
    scripted = tried(office)
    await office.scene.told("hello", "hi")
    form = form_of(["how?"], chat=str(office.chat), person="ann", addressed="1")
    page = (await operator.post("knowledge/try", form)).text
    (trial,) = scripted.trials
    assert (trial.bot, trial.chat, trial.person) == (BOT, office.chat, "ann")
    assert (trial.is_addressed, trial.at) == (True, office.scene.now)
    for words in ("thus [1]", "thus it is", "for_us", "0.80", "0.55"):
        assert words in page
    assert len((await office.store.reader.page(office.chat)).said) == 1, "nothing was sent"
    assert await office.store.asked.recent() == (), "nothing was written down"


async def test_many_questions_make_a_table(office: Office, operator: Browser) -> None:
    tried(office)
    page = (
        await operator.post(
            "knowledge/try", form_of(["how?", "", "why?", "unknown", "busy", "broken"])
        )
    ).text
    assert page.count('<th scope="row">') == 5
    assert "1 个会回答，共 5 个" in page
    assert "nobody knows" in page
    assert "the model is busy" in page
    assert "a secret detail" not in page
    assert "原因在日志里" in page


async def test_so_many_questions_and_no_more(office: Office, operator: Browser) -> None:
    scripted = tried(office)
    assert (await operator.post("knowledge/try", form_of(["x"] * 51))).status == 422
    assert (await operator.post("knowledge/try", form_of([" "]))).status == 422
    assert scripted.trials == []
    gone = form_of(["how?"]) | {"handler": "gone"}
    assert (await operator.post("knowledge/try", gone)).status == 409


async def test_who_spoke_in_a_chat_is_offered(office: Office, operator: Browser) -> None:
    tried(office)
    await office.scene.told("hello", "hi", who="bob")
    page = (await operator.get(f"knowledge/try?chat={office.chat}")).text
    assert '<option value="bob">' in page


# --- the rest --------------------------------------------------------------------------------


async def test_a_conversation_is_handed_back(office: Office, operator: Browser) -> None:
    question = await asked(office)
    handoff = Handoff(
        handler="assistant", chat=office.chat, person="ann", since_at=1.0, turn=question.turn
    )
    await office.store.conduct.hand_off(handoff)
    form = {"handler": "assistant", "chat": str(office.chat), "person": "ann"}
    assert 'value="ann"' in (await operator.get("knowledge/handoffs")).text
    await operator.post("knowledge/handoffs/back", form)
    assert await office.store.conduct.handoffs() == ()
    assert ("operator:olga", "hand_back", "person:ann") in await office.audit()
    assert (await operator.post("knowledge/handoffs/back", form)).status == 409


async def test_who_waits_is_seen_today(office: Office, viewer: Browser) -> None:
    assert "knowledge/handoffs" not in (await viewer.get("")).text
    question = await asked(office)
    handoff = Handoff(
        handler="assistant", chat=office.chat, person="ann", since_at=1.0, turn=question.turn
    )
    await office.store.conduct.hand_off(handoff)
    page = (await viewer.get("")).text
    assert 'href="./knowledge/handoffs"' in page
    assert 'href="./knowledge/questions"' in page


async def test_spending_is_shown_by_whom_it_was_for(office: Office, viewer: Browser) -> None:
    named = replace(office.scene.message("how?"), sender=Person("ann", "Ann Lee"))
    await office.scene.accept(named)
    newest = (await office.scene.claim_one()).turn.id
    for turn, model in enumerate(("small", "large"), newest - 1):
        await office.store.asked.spend(
            Spending(
                turn=turn,
                call=0,
                model=model,
                bot=BOT,
                chat=office.chat,
                person="ann",
                at=office.scene.now,
                prompt_tokens=1200,
                answer_tokens=34,
                cost_micro=5600,
            )
        )
    page = (await viewer.get("knowledge/spending?days=1")).text
    for words in (
        "small",
        "large",
        "2,400",
        "0.0112",
        ">Ann Lee<",
        f'chats/{office.chat}"',
        'title="ann"',
    ):
        assert words in page
    assert "trial_tokens_per_day" not in page


async def test_what_trials_cost_is_shown_apart(office: Office) -> None:
    viewer = await office.enter(OperatorRole.VIEWER, "vic", language="en")
    for author, chat, person in (("token:crm", 0, ""), ("operator:ada", office.chat, "ann")):
        await office.store.asked.spend_on_trial(
            TrialSpending(
                handler="assistant",
                author=author,
                model="small",
                bot=BOT,
                chat=chat,
                person=person,
                at=office.scene.now,
                prompt_tokens=1200,
                answer_tokens=34,
                cost_micro=5600,
            )
        )
    page = (await viewer.get("knowledge/spending?days=1")).text
    assert "No model was asked" in page, "by people"
    for words in ("Trials", "crm", "API token", "ada", "console", "as ann", "2,400", "0.0112"):
        assert words in page


# --- sources ---------------------------------------------------------------------------------


async def settled(office: Office, base: str) -> list[Document]:
    """Return the documents of a base when nothing is being read any more."""
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    return list(await office.store.documents.documents(base))


async def test_a_folder_is_read_while_the_page_goes_on(
    office: Office, admin: Browser, tmp_path: Path
) -> None:
    (tmp_path / "guide.md").write_text("# Guide\n\nTurn it off and on again.")
    answer = await admin.post("knowledge/bases", {"name": "help"})
    assert lead("knowledge/bases", answer.headers["location"]).startswith(
        "/console/knowledge/bases/help"
    )
    await admin.post("knowledge/bases/help/sources", {"place": str(tmp_path)})
    (document,) = await settled(office, "help")
    page = (await admin.get(f"knowledge/documents/{document.id}")).text
    assert "Turn it off and on again." in page
    (tmp_path / "more.md").write_text("# More\n\nAsk somebody.")
    (source,) = await office.store.documents.sources("help")
    refused = await admin.post(f"knowledge/documents/{document.id}/remove")
    assert refused.status == 422  # it would be back at the next look
    await admin.post(f"knowledge/sources/{source.id}/sync")
    assert len(await settled(office, "help")) == 2
    assert "移除 2 篇文档" in (await admin.get(f"knowledge/sources/{source.id}/remove")).text
    await admin.post(f"knowledge/sources/{source.id}/remove")
    assert await office.store.documents.sources() == ()
    actions = [action for _, action, subject in await office.audit() if subject == "base:help"]
    assert actions == ["source.remove", "source.add", "base.add"]


async def test_a_site_is_added_with_so_many_pages(office: Office, admin: Browser) -> None:
    await office.store.documents.add_base("help", office.scene.now)
    form = {"place": "http://127.0.0.1:1/docs/", "pages": "30"}
    assert 'name="pages"' in (await admin.get("knowledge/bases/help")).text
    assert (await admin.post("knowledge/bases/help/sources", form)).status == 303
    (source,) = await office.store.documents.sources("help")
    assert options_of(source).pages_max == 30


async def test_what_cannot_be_a_source_is_refused(office: Office, admin: Browser) -> None:
    await office.store.documents.add_base("help", office.scene.now)
    for place in ("", "/no/such/folder", "ftp://example.com/x"):
        answer = await admin.post("knowledge/bases/help/sources", {"place": place})
        assert answer.status == 422, place
    for pages in ("0", "-1", "many", "5001", "９", f"000000001{9**99}"):
        form = {"place": "https://example.com/", "pages": pages}
        assert (await admin.post("knowledge/bases/help/sources", form)).status == 422, pages
    for name in ("", "a b", "a:b", "x" * 65):
        assert (await admin.post("knowledge/bases", {"name": name})).status == 422, name
    assert await office.store.documents.sources() == ()


def uploaded(*files: tuple[str, bytes]) -> tuple[bytes, dict[str, str]]:
    """A form with files, as a browser sends it."""
    parts = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n'
        % (name.encode(), data)
        for name, data in files
    )
    return parts + b"--edge--\r\n", {
        "origin": ORIGIN,
        "content-type": "multipart/form-data; boundary=edge",
    }


async def test_files_are_handed_in_and_removed_again(office: Office, admin: Browser) -> None:
    await office.store.documents.add_base("help", office.scene.now)
    files = ("手册.md", b"# Guide\n\nTurn it off."), ("../../broken.pdf", b"%PDF-1.4 broken")
    body, headers = uploaded(*files)
    answer = await admin.ask("POST", "knowledge/bases/help/files", body, headers)
    assert answer.status == 303
    broken, guide = sorted(await settled(office, "help"), key=lambda each: each.path)
    assert (broken.path, guide.path) == ("broken.pdf", "手册.md")
    assert broken.problem
    assert broken.problem in (await admin.get("knowledge/bases/help")).text
    await admin.post(f"knowledge/documents/{guide.id}/remove")
    assert len(await office.store.documents.documents("help")) == 1


async def test_too_many_or_no_files_are_refused(office: Office, admin: Browser) -> None:
    await office.store.documents.add_base("help", office.scene.now)
    for files in ([], [(f"{number}.md", b"x") for number in range(21)]):
        body, headers = uploaded(*files)
        answer = await admin.ask("POST", "knowledge/bases/help/files", body, headers)
        assert answer.status == 422
    assert await office.store.documents.documents("help") == ()


async def test_operators_remove_entries_but_no_files(
    office: Office, admin: Browser, operator: Browser
) -> None:
    await office.room.ingest.answer("help", "q", "a")
    await office.room.ingest.upload("help", "guide.md", b"# Guide\n\nwords")
    entry_, file = sorted(
        await office.store.documents.documents("help"), key=lambda each: each.format
    )
    assert (await operator.post(f"knowledge/documents/{file.id}/remove")).status == 403
    assert (await operator.post(f"knowledge/documents/{entry_.id}/remove")).status == 303
    assert len(await office.store.documents.documents("help")) == 1
    await admin.post("knowledge/bases/help/remove")
    assert await office.store.documents.bases() == ()


async def test_a_base_is_searched(office: Office, viewer: Browser) -> None:
    await office.room.ingest.upload("help", "guide.md", b"# Printer\n\nTurn the printer off.")
    page = (await viewer.get("knowledge/bases/help?q=printer")).text
    assert "Turn the printer off." in page
    assert "没有找到" in (await viewer.get("knowledge/bases/help?q=zebra")).text


# --- rules -----------------------------------------------------------------------------------


async def test_a_rule_is_set_changed_and_removed(office: Office, operator: Browser) -> None:
    tried(office)
    await office.scene.told("hello", "hi")
    where = {"handler": "assistant", "chat": str(office.chat), "bot": "ignored"}
    form = {
        "bases": "help, 常见问题",
        "model": "none",
        "hours": "Mon-Fri 09:00-18:00",
        "questions_per_day": "3",
    }
    assert (await operator.post("knowledge/rules", where | form)).status == 303
    ((scope, rule),) = await office.store.conduct.rules("assistant")
    assert scope == Scope(handler="assistant", bot=BOT, chat=office.chat), (
        "as an order there sets it"
    )
    assert rule == Rule(
        bases=("help", "常见问题"), model="", hours="Mon-Fri 09:00-18:00", questions_per_day=3
    )
    page = (await operator.get(f"knowledge/rules?handler=assistant&chat={office.chat}")).text
    for value in form.values():
        assert f'value="{value}"' in page
    await operator.post("knowledge/rules", where)
    assert await office.store.conduct.rules("assistant") == ()
    assert ("operator:olga", "rule", "handler:assistant") in await office.audit()


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"hours": "sometimes", "bot": "b"}, 422),
        ({"questions_per_day": "many", "bot": "b"}, 422),
        ({"tone": "dry"}, 422),
        ({"tone": "dry", "chat": "77"}, 404),
        ({"tone": "dry", "bot": "b", "handler": "gone"}, 409),
    ],
)
async def test_what_is_no_rule_is_refused(
    office: Office, operator: Browser, form: dict[str, str], status: int
) -> None:
    tried(office)
    answer = await operator.post("knowledge/rules", {"handler": "assistant"} | form)
    assert answer.status == status
    assert await office.store.conduct.rules("assistant") == ()


# --- gates -----------------------------------------------------------------------------------


def labels_file(kind: str, lines: Sequence[str]) -> tuple[bytes, dict[str, str]]:
    fields = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (name, value.encode())
        for name, value in ((b"base", "help"), (b"kind", kind))
    )
    body, headers = uploaded(("labels.txt", "\n".join(lines).encode()))
    return fields + body.replace(b'name="files"', b'name="file"'), headers


def figure(quality: dict[str, float], name: str) -> str:
    """As the page shows it: of no answers nobody can say how many were right."""
    is_of_none = name.endswith("precision") and not quality[name.replace("precision", "recall")]
    return "—" if is_of_none else f"{quality[name]:.2f}"


async def test_a_gate_is_trained_from_files_and_then_used(office: Office, admin: Browser) -> None:
    await office.room.ingest.upload("help", "guide.md", "# 打印机\n\n先关机再开机。".encode())
    for kind, text in (("good", "打印机坏了怎么办"), ("bad", "今天中午吃什么")):
        body, headers = labels_file(kind, [f"{text} {number}" for number in range(8)])
        answer = await admin.ask("POST", "knowledge/gates/labels", body, headers)
        assert answer.status == 303
    assert len(await office.store.asked.labels("help")) == 16
    await admin.post("knowledge/gates/train", {"base": "help"})
    await settled(office, "help")
    (gate,) = await office.store.conduct.gates("help")
    assert not gate.is_used
    figures = json.loads(gate.figures)
    assert figures["before"]["labels"] == figures["after"]["labels"] == 16
    assert load(gate.model).learnt is not None
    page = (await admin.get("knowledge/gates?base=help")).text
    shown = re.findall(r'<td class="number">([\d.]+|—)</td>', page.partition('id="lesson"')[2])
    names = ("auc", "f1", "precision", "recall", "sure_precision", "sure_recall")
    kinds = ("before", "after")
    assert shown == [figure(figures[kind], name) for name in names for kind in kinds]
    form = {"base": "help", "gate": str(gate.id)}
    await admin.post("knowledge/gates/use", form)
    assert "—" in shown, "one of them would have answered nothing"
    used = await office.store.conduct.gate("help")
    assert used is not None
    assert used.id == gate.id
    await admin.post("knowledge/gates/use", form | {"gate": "0"})
    assert await office.store.conduct.gate("help") is None
    assert [line for line in await office.audit() if line[1] == "gate"] == [
        ("operator:ada", "gate", "base:help")
    ] * 2


async def test_a_training_shows_how_far_it_is_and_is_stopped(
    office: Office, admin: Browser, operator: Browser
) -> None:
    await office.store.documents.add_base("help", office.scene.now)
    await admin.post("knowledge/gates/train", {"base": "help"})
    page = (await admin.get("knowledge/gates?base=help")).text
    assert 'value="0" max="100"' in page
    assert "正在检索这些例子：0 %" in page
    assert "停止训练" in page
    watched = (await operator.get("knowledge/gates?base=help")).text
    assert "停止训练" not in watched
    assert (await admin.post("knowledge/gates/train", {"base": "help"})).status == 409
    await admin.post("knowledge/gates/stop", {"base": "help"})
    page = (await admin.get("knowledge/gates?base=help")).text
    assert "<progress" not in page
    assert "训练至少需要" not in page


async def test_too_few_examples_are_said_so(office: Office, admin: Browser) -> None:
    await office.store.documents.add_base("help", office.scene.now)
    await admin.post("knowledge/gates/train", {"base": "help"})
    await settled(office, "help")
    assert "训练至少需要" in (await admin.get("knowledge/gates?base=help")).text
    assert (await admin.post("knowledge/gates/use", {"base": "help", "gate": "9"})).status == 409
    body, headers = labels_file("labelled", ["no json"])
    answer = await admin.ask("POST", "knowledge/gates/labels", body, headers)
    assert answer.status == 422


async def test_what_is_wrong_with_a_source_is_seen(office: Office, viewer: Browser) -> None:
    documents, now = office.store.documents, office.scene.now
    await documents.add_base("help", now)
    source = await documents.add_source("help", SourceKind.FOLDER, "/docs", "{}", now)
    await documents.checked(source, "no such folder", now)
    for path in ("knowledge", "knowledge/bases/help"):
        assert "no such folder" in (await viewer.get(path)).text
    assert (await viewer.get("knowledge/bases/other")).status == 404
