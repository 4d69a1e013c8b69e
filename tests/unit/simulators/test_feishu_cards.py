"""Cards: as people read them, as entities that are written word by word, and updated late."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from posthouse.simulators.feishu.apps import app
from posthouse.simulators.feishu.happenings import Press
from posthouse.simulators.feishu.settings import TenantSettings
from tests.unit.simulators.feishu_scene import CARD, Answer, Town, event_of, open_town


def button(label: str) -> dict[str, Any]:
    return {"tag": "button", "text": {"tag": "plain_text", "content": label}}


OLD_CARD: dict[str, Any] = {
    "config": {"update_multi": True},
    "header": {"title": {"tag": "plain_text", "content": "Vote"}},
    "elements": [
        {"tag": "div", "text": {"tag": "lark_md", "content": "Lunch?"}},
        {
            "tag": "action",
            "actions": [
                {
                    "tag": "button",
                    "text": {"tag": "plain_text", "content": "Yes"},
                    "value": {"y": 1},
                },
                {
                    "tag": "button",
                    "text": {"tag": "plain_text", "content": "Menu"},
                    "url": "https://x",
                },
            ],
        },
        {"tag": "note", "elements": [{"tag": "plain_text", "content": "until noon"}]},
    ],
}
UNPACED = TenantSettings(is_paced=False)


async def made(town: Town, card: object = CARD) -> str:
    answer = await create(town, card)
    return str(answer.data["card_id"])


async def create(town: Town, card: object) -> Answer:
    body = {"type": "card_json", "data": json.dumps(card)}
    return await town.call("POST", "/cardkit/v1/cards", body)


async def write(town: Town, card_id: str, text: str, sequence: int) -> Answer:
    path = f"/cardkit/v1/cards/{card_id}/elements/words/content"
    return await town.call("PUT", path, {"content": text, "sequence": sequence})


async def show(town: Town, card_id: str) -> str:
    content = {"type": "card", "data": {"card_id": card_id}}
    return await town.sent(kind="interactive", content=content)


# ── as people read them ──────────────────────────────────────────────────────────────────────


async def test_cards_are_read_with_their_buttons() -> None:
    async with open_town() as town:
        shown = town.shown(await town.sent(kind="interactive", content=OLD_CARD))
        assert shown.text == "Vote\nLunch?\n[Yes]\n[Menu]\nuntil noon"
        assert [(each.label, each.value, each.url) for each in shown.buttons] == [
            ("Yes", {"y": 1}, ""),
            ("Menu", None, "https://x"),
        ]


async def test_a_card_is_updated_if_it_is_shared() -> None:
    async with open_town() as town:
        sent = await town.sent(kind="interactive", content=OLD_CARD)
        changed = {**OLD_CARD, "header": {"title": {"tag": "plain_text", "content": "Over"}}}
        path, body = f"/im/v1/messages/{sent}", {"content": json.dumps(changed)}
        assert (await town.call("PATCH", path, body)).data == {}
        assert town.shown(sent).text.startswith("Over")
        assert [each.what for each in town.shown(sent).history] == ["updated"]
        alone = {"content": json.dumps({**changed, "config": {}})}
        assert (await town.call("PATCH", path, alone)).code == 230099
        town.clock.advance(15 * 86400.0)
        assert (await town.call("PATCH", path, body)).code == 99991663
        town._tokens.clear()
        assert (await town.call("PATCH", path, body)).code == 230031


async def test_one_card_is_updated_five_times_a_second() -> None:
    async with open_town() as town:
        sent = await town.sent(kind="interactive", content=OLD_CARD)
        body = {"content": json.dumps(OLD_CARD)}
        path = f"/im/v1/messages/{sent}"
        codes = [(await town.call("PATCH", path, body)).code for _ in range(6)]
        assert codes == [0, 0, 0, 0, 0, 230020]


# ── entities ─────────────────────────────────────────────────────────────────────────────────


async def test_an_entity_is_written_word_by_word() -> None:
    async with open_town() as town:
        card_id = await made(town)
        sent = await show(town, card_id)
        assert (await write(town, card_id, "It", 1)).code == 0
        assert (await write(town, card_id, "It works", 5)).code == 0
        shown = town.shown(sent)
        assert ("It works" in shown.text, shown.is_streaming) == (True, True)
        settings = {"settings": json.dumps({"config": {"streaming_mode": False}}), "sequence": 6}
        answer = await town.call("PATCH", f"/cardkit/v1/cards/{card_id}/settings", settings)
        assert answer.code == 0
        assert not town.shown(sent).is_streaming
        assert (await write(town, card_id, "It works.", 7)).code == 300309


async def test_numbers_only_rise() -> None:
    async with open_town() as town:
        card_id = await made(town)
        codes = [(await write(town, card_id, "x", number)).code for number in (0, 2, 2, 1, 3)]
        assert codes == [10002, 0, 300317, 300317, 0]


async def test_writing_ends_by_itself_after_ten_minutes() -> None:
    async with open_town() as town:
        card_id = await made(town)
        town.clock.advance(599.0)
        assert (await write(town, card_id, "x", 1)).code == 0
        town.clock.advance(1.0)
        codes = [(await write(town, card_id, "x", number)).code for number in (2, 3)]
        assert codes == [200850, 300309]
        settings = {"settings": json.dumps({"config": {"streaming_mode": True}}), "sequence": 4}
        await town.call("PATCH", f"/cardkit/v1/cards/{card_id}/settings", settings)
        assert (await write(town, card_id, "x", 5)).code == 0


async def test_an_entity_is_sent_once() -> None:
    async with open_town() as town:
        card_id = await made(town)
        await show(town, card_id)
        content = {"type": "card", "data": {"card_id": card_id}}
        assert (await town.send(kind="interactive", content=content)).code == 230099


async def test_an_entity_belongs_to_its_app_and_has_an_end() -> None:
    other = app("b")
    async with open_town(app("a"), other) as town:
        card_id = await made(town)
        path = f"/cardkit/v1/cards/{card_id}/elements/words/content"
        body = {"content": "x", "sequence": 1}
        assert (await town.call("PUT", path, body, who=other)).code == 300311
        assert (await write(town, "7", "x", 1)).code == 200740
        town.clock.advance(15 * 86400.0)
        town._tokens.clear()
        assert (await write(town, card_id, "x", 1)).code == 200750


@pytest.mark.parametrize(
    ("card", "code"),
    [
        (OLD_CARD, 300303),
        ({**CARD, "config": {"update_multi": False}}, 300302),
        ({**CARD, "header": {"title": {"content": "x" * 31 * 1024}}}, 200860),
        ({"schema": "2.0", "body": {"elements": [{"tag": "action"}]}}, 200220),
    ],
)
async def test_what_cannot_be_an_entity_is_refused(card: dict[str, Any], code: int) -> None:
    async with open_town() as town:
        assert (await create(town, card)).code == code


async def test_elements_come_and_go() -> None:
    async with open_town(settings=UNPACED) as town:
        card_id = await made(town)
        sent = await show(town, card_id)
        path = f"/cardkit/v1/cards/{card_id}/elements"
        new = {"tag": "markdown", "element_id": "more", "content": "more"}
        body = {"type": "insert_after", "target_element_id": "words", "elements": json.dumps([new])}
        assert (await town.call("POST", path, {**body, "sequence": 1})).code == 0
        assert (await town.call("POST", path, {**body, "sequence": 2})).code == 230099  # id twice
        partial = {"partial_element": json.dumps({"content": "less"}), "sequence": 3}
        assert (await town.call("PATCH", f"{path}/more", partial)).code == 0
        assert "less" in town.shown(sent).text
        assert (await town.call("DELETE", f"{path}/more", {"sequence": 4})).code == 0
        assert "less" not in town.shown(sent).text
        assert (await town.call("DELETE", f"{path}/more", {"sequence": 5})).code == 300313
        whole = {"card": {"type": "card_json", "data": json.dumps(CARD)}, "sequence": 6}
        assert (await town.call("PUT", f"/cardkit/v1/cards/{card_id}", whole)).code == 0


async def test_a_card_takes_ten_changes_a_second() -> None:
    async with open_town() as town:
        card_id = await made(town)
        answers = [await write(town, card_id, "x", number) for number in range(1, 12)]
        assert [each.code for each in answers] == [*[0] * 10, 99991400]
        assert answers[-1].headers["x-ogw-ratelimit-reset"] == "1"


# ── late updates ─────────────────────────────────────────────────────────────────────────────


async def test_a_press_allows_two_updates_within_half_an_hour() -> None:
    async with open_town() as town:
        client = await town.client()
        sent = await town.sent(kind="interactive", content=OLD_CARD)
        press = Press(message_id=sent, person="ada", label="Yes")
        pressing = asyncio.ensure_future(town.server.press(press))
        frame = await client.frame()
        token = event_of(frame)["event"]["token"]
        await client.ack(frame, data={})
        await pressing
        body = {"token": token, "card": OLD_CARD}
        codes = [
            (await town.call("POST", "/interactive/v1/card/update", body)).code for _ in range(3)
        ]
        assert codes == [0, 0, 300040]
        body["token"] = "c-wrong"
        assert (await town.call("POST", "/interactive/v1/card/update", body)).code == 300020
