"""An assistant with commands, as settings describe it and as they change."""

from __future__ import annotations

import os
from pathlib import Path

from posthouse.bootstrap import build_house
from posthouse.handlers.trying import Concluded, Trial, Tries
from posthouse.house import House
from posthouse.settings.load import load
from posthouse.settings.settings import Settings
from posthouse.simulators.model.script import Call, Line, Script
from posthouse.simulators.model.server import ModelServer


def settings(folder: Path, address: str, scenes: str, parameter: str) -> Settings:
    (folder / scenes).mkdir()
    (folder / scenes / "hosts.py").write_text(f"def cmd_load({parameter}): ...")
    text = f"""
        data = "data"
        language = "en"
        [models.m]
        base_url = "{address}"
        model = "m"
        [handlers.commands]
        public_dirs = ["{scenes}"]
        [handlers.assistant]
        tools = ["hosts.load"]
    """
    (folder / "posthouse.toml").write_text(text)
    return load(os.environ, folder=folder).settings


async def tried(house: House) -> str:
    """What the assistant would do for somebody."""
    assistant = house.handlers["assistant"]
    assert isinstance(assistant, Tries)
    trial = Trial(question="How busy is web-1?", person="ann", language="en")
    *_, ended = [each async for each in assistant.attempt(trial)]
    assert isinstance(ended, Concluded)
    return ended.answer


def offered(server: ModelServer) -> tuple[str, list[str]]:
    """The one function that the model was told of last, and what it needs."""
    (offer,) = server.requests[-1]["tools"]
    return offer["function"]["name"], offer["function"]["parameters"]["required"]


async def test_commands_are_found_where_they_are_after_each_change(tmp_path: Path) -> None:
    call = Call("hosts-load", '{"host": "web-1"}')
    async with ModelServer(Script(Line(calls=(call,)))) as server:
        house = build_house(settings(tmp_path, server.address, "old", "host"))
        await house.open()
        try:
            assert "`/hosts load`\n\n- host: `web-1`" in await tried(house)
            assert offered(server) == ("hosts-load", ["host"])
            await house.reload(settings(tmp_path, server.address, "new", "machine"))
            assert "`/hosts load <machine>`" in await tried(house)  # it was called as before
            assert offered(server) == ("hosts-load", ["machine"])
        finally:
            await house.close()
