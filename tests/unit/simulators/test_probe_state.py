"""What the platform keeps to itself: ids from a seed, windows, copies."""

import pytest
from msgspec.structs import replace

from posthouse.simulators.probe.bots import Bot, BotClass, bot
from posthouse.simulators.probe.refusals import Refusal
from posthouse.simulators.probe.state import ProbePlatform
from posthouse.simulators.probe.wire import EditBody, MessageBody
from tests.unit.simulators.scene import Clock, saying

HELLO = MessageBody(chat="c-1", text="hello", key="k")


def open_platform(clock: Clock, declared: Bot, seed: int = 1) -> ProbePlatform:
    return ProbePlatform(seed, bots=[declared], clock=clock)


def first_ids(seed: int) -> list[str]:
    platform = open_platform(Clock(), bot("none", BotClass.NONE), seed)
    event = platform.say(saying("none")).envelope
    return [event.event_id, str(event.message_id), platform.send(platform.bot("none"), HELLO)]


def test_every_id_follows_from_the_seed() -> None:
    assert first_ids(1) == first_ids(1)
    assert not set(first_ids(1)) & set(first_ids(2))


def test_a_reset_begins_a_new_series() -> None:
    platform = open_platform(Clock(), bot("none", BotClass.NONE))
    before = platform.send(platform.bot("none"), HELLO)
    platform.reset()
    assert platform.ledger().messages == ()
    assert platform.send(platform.bot("none"), HELLO) != before


def test_windows_for_edit_and_recall() -> None:
    clock = Clock()
    declared = replace(bot("a", BotClass.KEYED), edit_window_s=10.0, recall_window_s=20.0)
    platform = open_platform(clock, declared)
    message_id = platform.send(declared, HELLO)
    clock.advance(10.0)
    platform.edit(declared, message_id, EditBody(text="changed"))
    clock.advance(1.0)
    with pytest.raises(Refusal, match="409 edit_too_late"):
        platform.edit(declared, message_id, EditBody(text="again"))
    clock.advance(10.0)
    with pytest.raises(Refusal, match="409 recall_too_late"):
        platform.recall(declared, message_id)
    entry = platform.ledger().messages[0]
    assert (entry.text, entry.is_recalled) == ("changed", False)


def test_recalling_again_is_never_too_late() -> None:
    clock = Clock()
    declared = replace(bot("a", BotClass.KEYED), recall_window_s=20.0)
    platform = open_platform(clock, declared)
    message_id = platform.send(declared, HELLO)
    platform.recall(declared, message_id)
    clock.advance(21.0)
    assert platform.recall(declared, message_id) == message_id


def test_a_search_has_a_limit() -> None:
    declared = bot("a", BotClass.LOOKUP)
    platform = open_platform(Clock(), declared)
    ids = [platform.send(declared, HELLO) for _ in range(101)]
    found = platform.search(declared, "c-1", since=0.0, key=None)
    assert [each.message_id for each in found] == ids[:100]


def test_abilities_are_declared_apart_from_the_class() -> None:
    declared = replace(bot("a", BotClass.NONE), can_edit=True, can_recall=True)
    platform = open_platform(Clock(), declared)
    message_id = platform.send(declared, HELLO)
    platform.edit(declared, message_id, EditBody(text="changed"))
    platform.recall(declared, message_id)
    assert platform.ledger().messages[0].is_recalled


def test_copies_count_what_is_visible() -> None:
    declared = bot("a", BotClass.LOOKUP)
    platform = open_platform(Clock(), declared)
    ids = [platform.send(declared, HELLO) for _ in range(3)]
    platform.recall(declared, ids[0])
    assert [entry.copies for entry in platform.ledger().messages] == [2, 2, 2]
