"""A call to a model is paid by the settings' prices, whole or cut off."""

from __future__ import annotations

import asyncio

import pytest

from posthouse.handlers.assistant.calls import Calls, Voice
from posthouse.llm.chain import Chain
from posthouse.llm.connection import Line as Address
from posthouse.llm.model import ModelCutShort, ModelRefused, Prompt, Said, Usage
from posthouse.llm.openai_compatible import OpenAiModel
from posthouse.llm.prices import price_of
from posthouse.llm.scripted import Line as ScriptedLine
from posthouse.llm.scripted import Scripted
from posthouse.settings.settings import ModelSettings
from posthouse.simulators.model.script import Fault, Line, Script
from posthouse.simulators.model.server import ModelServer

QUESTION = Prompt(messages=(Said("user", "怎么撤回？"),))
ADDRESS = "http://127.0.0.1:1"
PRICES = price_of(
    {
        "mine": ModelSettings(
            base_url=ADDRESS, model="shared", price_prompt=1.0, price_answer=10.0
        ),
        "theirs": ModelSettings(base_url=ADDRESS, model="shared", price_prompt=3.0),
    }
)


class Purse:
    """Pays whatever is asked, and remembers it (``calls.Purse``)."""

    def __init__(self) -> None:
        self.paid: list[Usage] = []

    async def demand(self) -> None:
        """There is always enough."""

    async def pay(self, call: int, used: Usage) -> None:
        assert call == len(self.paid)
        self.paid.append(used)


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.CUT])
async def test_a_call_costs_what_its_settings_say(fault: Fault) -> None:
    purse = Purse()
    script = Script(is_strict=True)
    script.add(Line(pattern="撤回", text="发送“撤回”两个字即可。" * 4, fault=fault))
    async with ModelServer(script) as server:
        model = OpenAiModel("mine", "shared", Address(base_url=server.address, within_s=5.0))
        try:
            await Calls(Voice(model=model), purse).whole(QUESTION)
        except ModelCutShort:
            assert fault is Fault.CUT
        await model.close()
    (used,) = purse.paid
    assert used.is_estimated is (fault is Fault.CUT)
    assert used.prompt_tokens > 0
    assert PRICES(used) == used.prompt_tokens + 10 * used.answer_tokens


async def test_who_answers_in_anothers_place_is_paid_for_what_broke_off() -> None:
    refusing = Scripted(ScriptedLine("撤回", error=ModelRefused("no such model")), name="theirs")
    cut = Scripted(ScriptedLine("撤回", "发送“撤回”", error=ModelCutShort("cut")), name="mine")
    chain = Chain((refusing, cut), retries_max=0, calls_max=1, sleep=asyncio.sleep)
    purse = Purse()
    with pytest.raises(ModelCutShort):
        await Calls(Voice(model=chain), purse).whole(QUESTION)
    (used,) = purse.paid
    assert (used.model, used.is_estimated) == ("mine", True)
    assert PRICES(used) == used.prompt_tokens + 10 * used.answer_tokens > 0


def test_models_of_one_name_elsewhere_have_their_own_prices() -> None:
    assert [PRICES(Usage(name, 100, 10)) for name in ("mine", "theirs", "gone")] == [200, 300, 0]
