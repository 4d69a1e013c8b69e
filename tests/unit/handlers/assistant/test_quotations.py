"""Quotations: which blocks, how much of them, in which order."""

from posthouse.handlers.assistant.asking import Asking
from posthouse.handlers.assistant.conclusions import failed, quoted
from posthouse.handlers.assistant.extract import best_blocks, extracted, weights_of
from posthouse.handlers.assistant.finding import Understood
from posthouse.handlers.trying import Source
from posthouse.knowledge.passage import Found
from posthouse.knowledge.words import normalise, tokens
from posthouse.llm.model import ModelError
from posthouse.model.address import Person
from posthouse.store.conduct import Rule


def source(number: int, text: str, score: float = 1.0, title: str = "Page") -> Source:
    return Source(number=number, base="b", title=title, text=text, key=f"b:{number}", score=score)


WEIGHTS = {"port": 5.0, "chang": 3.0, "the": 0.1}


def test_the_rarer_a_word_the_more_it_weighs() -> None:
    found = Found("q", (), words=(("port", 1), ("the", 90), ("new", 0)), passages=100)
    weights = weights_of(found)
    assert weights["new"] > weights["port"] > weights["the"] >= 0


def test_the_best_block_is_quoted_with_what_follows() -> None:
    text = "About us.\n\nChange the port in the file.\n\nThen start again.\n\nThe end of it all."
    assert best_blocks(text, WEIGHTS, 50) == "Change the port in the file.\n\nThen start again."


ENGLISH = "Say 撤回 or recall in the chat: everything that was answered is taken back."
CHINESE = "在聊天里发送“撤回”或 `recall`：回答给您的消息都会撤回。"
RECALL = {"recall": 5.0, "撤回": 5.0, "消息": 1.0}


def test_of_a_page_in_two_languages_the_one_asked_in_is_quoted() -> None:
    page = f"{ENGLISH}\n\n{CHINESE}\n\n```\nposthouse push --recall KEY\n```"
    assert ENGLISH not in best_blocks(page, RECALL, 700, "zh")
    assert CHINESE not in best_blocks(page, RECALL, 700, "en")
    for language in ("zh", "en"):
        assert "--recall KEY" in best_blocks(page, RECALL, 700, language)


def test_what_only_the_other_language_says_is_quoted_in_it() -> None:
    page = f"{CHINESE}\n\nAn order for the weather is no order."
    quote = best_blocks(page, {"weather": 5.0}, 700, "zh")
    assert quote.endswith("An order for the weather is no order.")


def test_code_is_never_cut_open() -> None:
    text = "The port:\n\n```toml\n[server]\n\nport = 1\n```\n\nDone."
    quote = best_blocks(text, WEIGHTS, 30)
    assert quote.count("```") % 2 == 0


def test_a_long_block_ends_behind_a_sentence() -> None:
    quote = best_blocks("The port is here. " * 20, WEIGHTS, 60)
    assert quote.endswith("here. …")
    assert len(quote) <= 62


def test_of_a_long_table_the_best_rows_are_quoted_below_its_head() -> None:
    head = "| setting | meaning |\n|---|---|"
    rows = [f"| `key_{number}` | something else; not this. |" for number in range(20)]
    rows[12] = "| `port` | where it listens |"
    quote = best_blocks("\n".join((head, *rows)), WEIGHTS, 200)
    assert quote.startswith(f"{head}\n{rows[12]}\n{rows[13]}")
    assert {*quote.split("\n")} <= {*head.split("\n"), *rows}
    assert len(quote) <= 200


def test_lines_are_not_cut_open() -> None:
    lines = [f"port = {number}; other = {number}." for number in range(20)]
    quote = best_blocks("\n".join(lines), WEIGHTS, 200)
    assert quote.endswith(" …")
    assert set(quote.removesuffix(" …").split("\n")) <= set(lines)


def test_sources_are_numbered_in_the_order_of_their_quotations() -> None:
    sources = (
        source(1, "Something about the moon.", title="Moon"),
        source(2, "Change the port here.", title="Port"),
    )
    answer, listed = extracted(WEIGHTS, sources, "en")
    assert "**Port** [1]\n\n> Change the port here." in answer
    assert [(each.title, each.number, each.is_cited) for each in listed] == [
        ("Port", 1, True),
        ("Moon", 2, False),
    ]
    assert "- [1] Port" in answer
    assert "Moon" not in answer


def test_what_is_far_behind_is_not_quoted() -> None:
    sources = (source(1, "The port is one."), source(2, "The port is two.", score=0.3))
    answer, _ = extracted(WEIGHTS, sources, "en")
    assert "two" not in answer


def test_the_same_is_not_said_twice() -> None:
    sources = (source(1, "Change the port here."), source(2, "Change the port here."))
    answer, _ = extracted(WEIGHTS, sources, "zh")
    assert answer.count("Change the port here.") == 1


RARE = {"钉钉": 3.0, "peru": 3.0}


def understood(query: str, *sources: Source, is_addressed: bool = True) -> Understood:
    """Put a question beside what was found for it."""
    asking = Asking(
        text=query,
        bot="b",
        chat=1,
        chat_title="Room",
        person=Person("p", "Ann"),
        language="en",
        rule=Rule(),
        now=0.0,
        is_addressed=is_addressed,
    )
    return Understood(
        asking=asking,
        query=query,
        language="en",
        bases=("b",),
        stages=(),
        sources=sources,
        weights={word: RARE.get(word, 1.0) for word in tokens(normalise(query))},
        coverage=0.4,
    )


def test_where_nothing_can_be_quoted_nothing_is_claimed() -> None:
    ended = quoted(understood("Which port?", source(1, " ")))
    assert ended.reason == "not_in_knowledge"
    assert "I don't know" in ended.answer


QQ = source(1, "怎么接入 QQ：先运行 NapCat。")


def test_what_is_mentioned_far_away_is_not_quoted_and_said_to_lack() -> None:
    plan = source(2, "下半年支持钉钉。", score=0.2)
    ended = quoted(understood("怎么接入钉钉", QQ, plan))
    assert ended.reason == "not_in_knowledge"
    assert ended.answer.startswith("I don't know: nothing that fits mentions “钉钉”.")
    assert [each.title for each in ended.sources if each.is_cited] == ["Page"]


def test_nobody_who_has_not_asked_hears_what_comes_close() -> None:
    assert quoted(understood("怎么接入钉钉", QQ, is_addressed=False)).answer == ""
    assert quoted(understood("怎么接入 QQ", QQ, is_addressed=False)).reason == "answered"


def test_where_the_subject_lacks_nothing_is_quoted_but_a_model_that_failed_is_named() -> None:
    asked = understood("what is the capital of Peru", source(1, "Write it in capital letters."))
    assert not any(each.is_cited for each in quoted(asked).sources)
    ended = failed(asked, ModelError("no"))
    assert ended.reason == "model_failed"
    assert "The model failed" in ended.answer
    assert "nothing that fits mentions “Peru”" in ended.answer
