"""What an operator reads about a restored house."""

import pytest

from posthouse.api.desk import Held
from posthouse.cli.held import _show
from posthouse.model.delivery import State
from posthouse.settings.settings import Settings
from posthouse.store.holding import HeldDelivery, House


def test_each_message_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    delivery = HeldDelivery(
        id=7,
        bot="web",
        chat=1,
        chat_title="Team",
        state=State.QUEUED,
        text="first line\n\n- second\n",
        queued_at=1_000_000.0,
    )
    _show(Held(house=House(is_held=True), deliveries=(delivery,)), Settings())
    line, _ = capsys.readouterr().out.splitlines()
    assert line.startswith("#7 ")
    assert line.endswith("first line - second")
