"""What every store tells those who look: chats as people see them, searches, numbers, the feed."""

from __future__ import annotations

from posthouse.model.address import Person, Place
from posthouse.model.capabilities import Capabilities
from posthouse.model.delivery import NotSent, Sent, State
from posthouse.model.disposition import Disposition, NewDelivery
from posthouse.model.event import MembersChanged, other_key
from posthouse.model.turn import EventState
from posthouse.store.journal import Result
from posthouse.store.reader import Below, Change, ChangeKind, Feed, HeardChat, Mark
from posthouse.testing.conformance.checks import holds, same
from posthouse.testing.conformance.scene import Scene, output, route

CAN_RECALL = Capabilities(can_recall=True)
HOUR_S = 3600.0


async def _news(scene: Scene, after: Mark | None) -> tuple[set[Change], Mark]:
    """Read a feed to its end in steps of two rows."""
    changes: set[Change] = set()
    feed: Feed = await scene.store.reader.feed(after, 2)
    while True:
        changes |= set(feed.changes)
        if not feed.is_more:
            return changes, feed.mark
        feed = await scene.store.reader.feed(feed.mark, 2)


def _notice(text: str) -> NewDelivery:
    return output(f"console:ann:{text}", text)


async def a_page_shows_both_sides_of_a_chat(scene: Scene) -> None:
    for number in range(3):
        await scene.told(f"question {number}", f"answer {number}")
        await scene.wait(1)
    page = await scene.store.reader.page(scene.chat.id)
    same([each.event.text for each in page.heard], [f"question {n}" for n in range(3)], "heard")
    same([each.text for each in page.said], [f"answer {n}" for n in range(3)], "said")
    same([each.turn.reason for each in page.heard if each.turn], ["answered"] * 3, "reasons")
    holds(not page.is_more, "that was all")


async def pages_follow_one_another_without_a_gap(scene: Scene) -> None:
    for number in range(5):
        await scene.told(f"question {number}", f"answer {number}")
        await scene.wait(1)
    heard: list[str] = []
    said: list[str] = []
    before, is_more = None, True
    while is_more:
        page = await scene.store.reader.page(scene.chat.id, before, 2)
        heard = [*(each.event.text for each in page.heard), *heard]
        said = [*(each.text for each in page.said), *said]
        before, is_more = page.heard[0].event.id, page.is_more
    same(heard, [f"question {n}" for n in range(5)], "what was heard, page by page")
    same(said, [f"answer {n}" for n in range(5)], "what was said, page by page")


async def what_no_turn_caused_is_on_the_page(scene: Scene) -> None:
    await scene.journal.put_notice(scene.chat.id, _notice("hello from a colleague"), scene.now)
    page = await scene.store.reader.page(scene.chat.id)
    same([each.text for each in page.said], ["hello from a colleague"], "said")
    same(page.heard, (), "heard")


async def a_page_is_of_one_chat(scene: Scene) -> None:
    other = await scene.room("other")
    await scene.say("elsewhere", chat=other)
    same((await scene.store.reader.page(scene.chat.id)).heard, (), "heard")
    last = await scene.store.reader.last_heard((scene.chat.id, other.id))
    same({chat: event.text for chat, event in last.items()}, {other.id: "elsewhere"}, "the newest")


async def a_turn_is_shown_with_its_events(scene: Scene) -> None:
    receipt = await scene.say("question")
    assert receipt.turn is not None, "broken: a routed message belongs to a turn"
    found = await scene.store.reader.turn(receipt.turn)
    assert found is not None, "broken: the turn is in the book"
    turn, events = found
    same((turn.chat, [each.text for each in events]), (scene.chat.id, ["question"]), "the turn")
    same(await scene.store.reader.turn(99_999), None, "an unknown turn")


async def words_are_found_whatever_letters_they_have(scene: Scene) -> None:
    for text in ('100% "sure"', "50 percent", "a_b", "axb", "撤回 豆哥", "line\nbreak\\"):
        await scene.say(text)
    for wanted, expected in (
        ("100%", ['100% "sure"']),
        ('"SURE"', ['100% "sure"']),
        ("a_b", ["a_b"]),
        ("豆哥", ["撤回 豆哥"]),
        ("break\\", ["line\nbreak\\"]),
        ("message_id", []),
    ):
        found = await scene.store.reader.search(wanted)
        same([each.text for each in found.events], expected, f"what is found for {wanted!r}")


async def what_was_said_is_found(scene: Scene) -> None:
    await scene.told("question", "the answer is 42")
    found = await scene.store.reader.search("IS 42")
    same([each.text for each in found.deliveries], ["the answer is 42"], "deliveries found")
    same(found.events, (), "events found")


async def only_the_newest_rows_are_searched(scene: Scene) -> None:
    await scene.say("needle")
    for number in range(3):
        await scene.say(f"hay {number}")
    found = await scene.store.reader.search("needle", rows_looked_at=3)
    same(found.events, (), "found among the three newest")
    same(len((await scene.store.reader.search("needle", 4)).events), 1, "found among four")


async def a_search_goes_on_further_back(scene: Scene) -> None:
    for number in range(7):
        await scene.say(f"needle {number}")
        await scene.say("hay")
    found: list[str] = []
    below: Below | None = None
    for _ in range(20):
        matches = await scene.store.reader.search("needle", 4, 1, below)
        found += [each.text for each in matches.events]
        below = matches.further
        if below is None:
            break
    same(found, [f"needle {number}" for number in reversed(range(7))], "each once, newest first")
    same(below, None, "where it goes on after the oldest")


async def what_can_be_taken_back_is_listed(scene: Scene) -> None:
    await scene.answer("question", "one", "two", "three")
    await scene.settle(await scene.send_one(), NotSent("too_long", is_final=True))
    await scene.deliver()
    said = await scene.store.reader.said_since(scene.chat.id, scene.now - 1)
    same([each.text for each in said], ["three", "two"], "what can be taken back, newest first")
    same(await scene.store.reader.said_since(scene.chat.id, scene.now + 1), (), "said later")


async def an_operator_takes_back_what_they_chose(scene: Scene) -> None:
    await scene.answer("question", "one", "two", "three")
    first = await scene.deliver()
    said = {
        row.text: row.delivery.id for row in await scene.store.reader.said_since(scene.chat.id, 0)
    }
    became = await scene.journal.take_back(
        (said["one"], said["three"], 99_999), CAN_RECALL, scene.now
    )
    same([each.state for each in became], [State.WITHDRAWING, State.DROPPED], "what they became")
    await scene.settle_amend(await scene.amend_one(CAN_RECALL), Sent(), CAN_RECALL)
    same(await scene.state(first), State.WITHDRAWN, "the first")
    same((await scene.deliver()).state, State.SENT, "the second")
    amends = await scene.store.reader.amends((first.id,))
    same([(each.kind, each.state) for each in amends], [("recall", "done")], "its withdrawal")


async def messages_without_an_answer_are_listed(scene: Scene) -> None:
    await scene.told("fine", "yes")
    await scene.say("broken")
    claimed = await scene.claim_one()
    await scene.finish(claimed, result=Result(reason="handler_error 4711"))
    found = await scene.store.reader.unanswered()
    same([each.event.text for each in found], ["broken"], "unanswered")


async def hours_are_counted(scene: Scene) -> None:
    began_at = scene.now
    await scene.say("question")
    await scene.wait(2)
    claimed = await scene.claim_one()
    await scene.finish(claimed, *scene.outputs(claimed, "answer"))
    await scene.deliver()
    await scene.wait(HOUR_S)
    await scene.answer("second", "refused")
    await scene.settle(await scene.send_one(), NotSent("too_long", is_final=True))
    hours = await scene.store.reader.activity(began_at + 2 * HOUR_S, HOUR_S, 3)
    same([hour.events for hour in hours], [0, 1, 1], "events by the hour")
    same([hour.deliveries for hour in hours], [0, 1, 1], "deliveries by the hour")
    same([hour.troubled for hour in hours], [0, 0, 1], "troubled by the hour")
    same([(hour.asked, hour.answered) for hour in hours], [(0, 0), (1, 1), (1, 1)], "answered")
    same([hour.latency_median_s for hour in hours], [None, 2.0, None], "how long it took")


async def a_feed_begins_now_and_misses_nothing(scene: Scene) -> None:
    await scene.told("before", "the mark")
    changes, mark = await _news(scene, None)
    same(changes, set(), "changes before the mark")
    receipt = await scene.say("question")
    changes, mark = await _news(scene, mark)
    same({(each.kind, each.number) for each in changes}, {("event", receipt.event)}, "the message")
    claimed = await scene.claim_one()
    await scene.finish(claimed, *scene.outputs(claimed, "answer"))
    changes, mark = await _news(scene, mark)
    expected = {Change(ChangeKind.TURN, claimed.turn.id, scene.chat.id, "finished")}
    same(changes, expected, "the turn's end")
    sent = await scene.deliver()
    changes, mark = await _news(scene, mark)
    expected = {Change(ChangeKind.DELIVERY, sent.id, scene.chat.id, "sent")}
    same(changes, expected, "what was sent")
    same((await _news(scene, mark))[0], set(), "news when nothing happened")


async def a_feed_tells_of_withdrawals(scene: Scene) -> None:
    sent = await scene.told("question", "answer")
    _, mark = await _news(scene, None)
    await scene.journal.take_back((sent.id,), CAN_RECALL, scene.now)
    _, mark = await _news(scene, mark)
    await scene.settle_amend(await scene.amend_one(CAN_RECALL), Sent(), CAN_RECALL)
    changes, _ = await _news(scene, mark)
    expected = Change(ChangeKind.DELIVERY, sent.id, scene.chat.id, "withdrawn")
    holds(expected in changes, "the withdrawal is told")


async def a_feed_is_the_same_whatever_the_clock_does(scene: Scene) -> None:
    _, mark = await _news(scene, None)
    await scene.accept(scene.message("one"), route(scene.session()))
    scene.now -= HOUR_S
    await scene.accept(scene.message("two"), route(scene.session("ben")))
    changes, _ = await _news(scene, mark)
    same(sum(each.kind is ChangeKind.EVENT for each in changes), 2, "events told")


async def a_message_of_the_bot_is_known_as_its_own(scene: Scene) -> None:
    await scene.answer("question", "answer")
    await scene.settle(await scene.send_one(), Sent(("om-1", "card")))
    reader = scene.store.reader
    holds(await reader.is_ours(scene.chat.id, "om-1"), "the message of the bot")
    holds(not await reader.is_ours(scene.chat.id, "om-2"), "not a message that nobody knows")
    holds(not await reader.is_ours(scene.chat.id + 1, "om-1"), "not in another chat")


async def who_said_a_message_is_known(scene: Scene) -> None:
    told = await scene.answer("question", "answer")
    await scene.settle(await scene.send_one(), Sent(("om-1", "card")))
    reader = scene.store.reader
    spoken = await reader.whose(scene.chat.id, "om-1")
    assert spoken is not None
    same((spoken.turn, spoken.session), (told.turn.id, scene.session()), "the turn that said it")
    same(spoken.person, "ann", "whom it answered")
    same(await reader.whose(scene.chat.id, "om-none"), None, "a message that nobody said")


async def chats_with_traffic_are_known_newest_first(scene: Scene) -> None:
    began_at = scene.now
    room = await scene.room("elsewhere")
    await scene.say("one")
    await scene.wait(10)
    await scene.say("two", chat=room)
    await scene.wait(10)
    await scene.say("three")
    reader, here = scene.store.reader, scene.chat
    found = await reader.heard_lately(here.bot, began_at)
    wanted = (
        HeardChat(here.platform_id, here.kind, began_at + 20),
        HeardChat(room.platform_id, room.kind, began_at + 10),
    )
    same(found, wanted, "chats, newest first")
    same(await reader.heard_lately(here.bot, began_at, 1), wanted[:1], "no more than asked for")
    same(await reader.heard_lately(here.bot, began_at + 15), wanted[:1], "not what is older")
    same(await reader.heard_lately("another", began_at), (), "nothing of another bot")
    nowhere = await scene.room("nowhere")
    place = Place(nowhere.bot, nowhere.platform_id)
    event = MembersChanged(other_key("x1"), place, Person("ann"), scene.now)
    ignored = Disposition(state=EventState.IGNORED, reason="no_route")
    await scene.accept(event, ignored, chat=nowhere)
    same(await reader.heard_lately(here.bot, began_at), wanted, "nothing where nobody spoke")
