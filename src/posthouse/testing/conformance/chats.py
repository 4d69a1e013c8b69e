"""What every store must do with chats: one number for ever, whatever the platform calls it."""

from __future__ import annotations

from msgspec.structs import replace

from posthouse.model.address import ChatKind, ChatMode, Place, SessionKind
from posthouse.model.errors import Refused
from posthouse.testing.conformance.checks import holds, raises, same
from posthouse.testing.conformance.scene import BOT, Scene


async def a_place_has_one_number(scene: Scene) -> None:
    place = Place(BOT, "oc_1", ChatKind.PRIVATE, "Ann")
    first = await scene.store.chats.resolve(place, scene.now)
    again = await scene.store.chats.resolve(place, scene.now + 100)
    same(again.id, first.id, "the number")
    same((first.bot, first.platform_id), (BOT, "oc_1"), "whose it is and what it is called")
    same((first.kind, first.title), (ChatKind.PRIVATE, "Ann"), "what it is")
    same(first.mode_at(scene.now), ChatMode.MENTION, "the mode of a new chat")
    same(first.session_kind, SessionKind.MEMBER, "whose conversations a new chat has")
    same(await scene.store.chats.get(first.id), again, "the chat by its number")


async def two_bots_in_one_place_are_two_chats(scene: Scene) -> None:
    one = await scene.room("oc_1")
    other = await scene.room("oc_1", bot="b2")
    holds(one.id != other.id, "the same platform id of two bots is two chats")


async def an_unknown_number_is_nothing(scene: Scene) -> None:
    same(await scene.store.chats.get(99_999), None, "an unknown chat")


async def a_new_chat_speaks_the_language_of_its_place(scene: Scene) -> None:
    chats = scene.store.chats
    english = await chats.resolve(Place(BOT, "oc_1", language="en"), scene.now)
    same(english.language, "en", "the language of a new chat")
    later = await chats.resolve(Place(BOT, "oc_1", language="zh"), scene.now)
    same(later.language, "en", "the language of a chat that is known")


async def a_newer_title_is_kept(scene: Scene) -> None:
    chats = scene.store.chats
    await chats.resolve(Place(BOT, "oc_1", title="old"), scene.now)
    named = await chats.resolve(Place(BOT, "oc_1", title="new"), scene.now)
    same(named.title, "new", "the title")
    nameless = await chats.resolve(Place(BOT, "oc_1"), scene.now)
    same(nameless.title, "new", "the title after an event that names none")


async def a_migrated_chat_keeps_its_number(scene: Scene) -> None:
    chats = scene.store.chats
    group = await scene.room("-100")
    await chats.set_mode(group.id, ChatMode.LISTEN, scene.now)
    await chats.alias(group.id, "-100200")
    for platform_id in ("-100", "-100200"):
        found = await scene.room(platform_id)
        same(found.id, group.id, f"the number behind {platform_id}")
        same(found.platform_id, "-100200", "the newest name is sent to")
        same(found.mode, ChatMode.LISTEN, "its mode")


async def an_alias_given_twice_is_harmless(scene: Scene) -> None:
    chats = scene.store.chats
    group = await scene.room("-100")
    await chats.alias(group.id, "-100200")
    await chats.alias(group.id, "-100200")
    same((await scene.room("-100200")).id, group.id, "the number")


async def an_old_name_given_again_is_the_newest(scene: Scene) -> None:
    chats = scene.store.chats
    group = await scene.room("-100")
    await chats.alias(group.id, "-100200")
    await chats.alias(group.id, "-100")
    same((await scene.room("-100200")).platform_id, "-100", "the newest name")


async def a_turn_sees_the_newest_name(scene: Scene) -> None:
    await scene.answer("question", "answer")
    await scene.store.chats.alias(scene.chat.id, "moved")
    same((await scene.send_one()).chat.platform_id, "moved", "where it is sent")


async def a_pause_is_kept_with_its_end(scene: Scene) -> None:
    until_at = scene.now + 600
    chat = await scene.store.chats.set_mode(
        scene.chat.id, ChatMode.PAUSED, scene.now, until_at=until_at
    )
    same((chat.mode, chat.mode_since_at), (ChatMode.PAUSED, scene.now), "the mode")
    same(chat.mode_until_at, until_at, "its end")
    same(await scene.store.chats.get(chat.id), chat, "what the book says")
    again = await scene.store.chats.set_mode(scene.chat.id, ChatMode.MENTION, scene.now + 1)
    same((again.mode, again.mode_until_at), (ChatMode.MENTION, None), "resumed")


async def a_pause_remembers_what_it_interrupts(scene: Scene) -> None:
    chats, number = scene.store.chats, scene.chat.id
    await chats.set_mode(number, ChatMode.LISTEN, scene.now)
    paused = await chats.set_mode(number, ChatMode.PAUSED, scene.now)
    same(paused.mode_before, ChatMode.LISTEN, "the mode before the pause")
    paused = await chats.set_mode(number, ChatMode.PAUSED, scene.now, until_at=scene.now + 600)
    same(paused.mode_before, ChatMode.LISTEN, "the mode before a second pause")
    same(paused.mode_at(scene.now + 600), ChatMode.LISTEN, "the mode after the pause")


async def what_is_set_stays_set(scene: Scene) -> None:
    chats = scene.store.chats
    await chats.set_session_kind(scene.chat.id, SessionKind.THREAD)
    await chats.set_handler(scene.chat.id, "demo")
    chat = await chats.set_language(scene.chat.id, "zh")
    found = (chat.session_kind, chat.handler, chat.language)
    same(found, (SessionKind.THREAD, "demo", "zh"), "the settings")
    seen = await chats.resolve(Place(BOT, scene.chat.platform_id, title="titled"), scene.now)
    same(replace(seen, title=""), replace(chat, title=""), "the settings after another event")


async def the_list_begins_with_the_most_recently_used(scene: Scene) -> None:
    rooms = [await scene.room(name) for name in ("a", "b", "c")]
    for room in (*rooms, rooms[0]):
        await scene.say("hello", chat=room)
        await scene.wait(1)
    listed = await scene.store.chats.list(limit=2)
    same([chat.platform_id for chat in listed], ["a", "c"], "the list")
    same(len(await scene.store.chats.list()), 4, "all of them, the unused one too")


async def a_chat_is_found_without_being_entered(scene: Scene) -> None:
    chats = scene.store.chats
    same(await chats.find(BOT, "nowhere"), None, "a place nobody has been to")
    same(len(await chats.list()), 1, "the chats in the book: looking enters none")
    group = await scene.room("-100")
    await chats.alias(group.id, "-100200")
    found = await chats.find(BOT, "-100")
    same(found and found.id, group.id, "the number behind an old name")


async def tags_replace_one_another(scene: Scene) -> None:
    chats = scene.store.chats
    one, other = await scene.room("a"), await scene.room("b")
    await chats.set_tags(one.id, ("night", "alerts", "alerts"))
    await chats.set_tags(other.id, ("alerts",))
    same(
        await chats.tags((one.id, other.id, scene.chat.id)),
        {one.id: ("alerts", "night"), other.id: ("alerts",)},
        "the tags",
    )
    same([chat.id for chat in await chats.tagged("alerts")], [one.id, other.id], "who has it")
    same(len(await chats.tagged("alerts", limit=1)), 1, "as many as were wanted")
    await chats.set_tags(one.id, ())
    same([chat.id for chat in await chats.tagged("alerts")], [other.id], "who still has it")
    await raises(Refused, chats.set_tags(99_999, ("alerts",)), "a chat that is not in the book")
