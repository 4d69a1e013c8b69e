"""``posthouse kb train``, ``gates`` and ``use-gate`` on a house that stands still."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import cast

import pytest

from posthouse.api.desk import A, R, Task
from posthouse.api.gate_tasks import GATE_LOOKING, Done
from posthouse.cli import gates
from posthouse.cli.app import main
from posthouse.cli.terminal import OK, OPERATOR_MISTAKE
from posthouse.knowledge.teaching import Looking, Progress, Stage
from posthouse.knowledge.words import fingerprint
from posthouse.model.errors import OperatorMistake, TryLater
from posthouse.settings.language import Said
from posthouse.settings.settings import Settings
from posthouse.store.sqlite.file import open_writing
from tests.unit.knowledge.gate.chat import PAGES, labels

Shown = pytest.CaptureFixture[str]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> Path:
    """A house that knows about bees, and files of what people wrote."""
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("POSTHOUSE_LANGUAGE", "en")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    open_writing(tmp_path / "data" / "posthouse.db").connection.close()
    (tmp_path / "bees").mkdir()
    for title, text in PAGES:
        (tmp_path / "bees" / f"{title}.md").write_text(f"# {title}\n\n{text}\n", "utf-8")
    for name, kind in (("good.txt", True), ("bad.txt", False)):
        texts = [text for text, is_wanted in labels(60) if is_wanted is kind]
        (tmp_path / name).write_text("\n".join(texts), "utf-8")
    kb(capsys, "add", "bees", "--base", "bees")
    return tmp_path


def kb(shown: Shown, *words: str) -> tuple[int, str]:
    code = main(["kb", *words, "--data", "data"])
    read = shown.readouterr()
    return code, read.out + read.err


def test_a_gate_is_trained_shown_and_put_away(house: Path, capsys: Shown) -> None:
    code, said = kb(capsys, "train", "bees", "--good", "good.txt", "--bad", "bad.txt", "--use")
    assert code == OK
    assert "Trained with " in said
    assert "F1: " in said
    assert "Gate 1 decides from now on." in said
    code, said = kb(capsys, "gates", "bees")
    assert said.startswith("* 1  ")
    assert "AUC" in said
    assert kb(capsys, "use-gate", "bees", "0") == (OK, "bees now decides with the shipped gate.\n")
    assert kb(capsys, "gates", "bees")[1].startswith("* 0  the shipped gate\n  1  ")


def test_labels_are_remembered_for_the_next_time(house: Path, capsys: Shown) -> None:
    kb(capsys, "train", "bees", "--good", "good.txt", "--bad", "bad.txt")
    code, said = kb(capsys, "train", "bees", "--json")
    assert code == OK
    lesson = json.loads(said)
    assert (lesson["gate"], lesson["is_used"]) == (2, False)
    assert lesson["figures"]["after"]["wanted"] == len(
        {fingerprint(text) for text, is_wanted in labels(60) if is_wanted}
    )


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("train", "wasps"), "There is no knowledge base wasps; there is: "),
        (("train", "bees"), "at least 5 messages"),
        (("train", "bees", "--labels", "good.txt"), "good.txt, line 1 is no label like"),
        (("train", "bees", "--good", "missing"), "Cannot read missing"),
        (("use-gate", "bees", "3"), "bees has no gate 3"),
    ],
)
def test_mistakes_are_told_with_a_remedy(
    house: Path, capsys: Shown, words: tuple[str, ...], remedy: str
) -> None:
    code, said = kb(capsys, *words)
    assert code == OPERATOR_MISTAKE
    assert remedy in said


class Scripted:
    """A house that trains; it says one thing after the other about how far it is."""

    is_running = True

    def __init__(self, *looks: Looking) -> None:
        self._looks = list(looks)
        self.asked: list[str] = []

    async def ask(self, task: Task[A, R], arguments: A) -> R:
        self.asked.append(task.name)
        if task is GATE_LOOKING:
            if not self._looks:
                raise asyncio.CancelledError  # what an interrupt becomes
            return cast("R", self._looks.pop(0))
        return cast("R", Done())


def train_in(house: Scripted, monkeypatch: pytest.MonkeyPatch) -> Coroutine[None, None, int]:
    @contextlib.asynccontextmanager
    async def counter_of(_settings: Settings) -> AsyncIterator[Scripted]:
        yield house

    monkeypatch.setattr(gates, "counter_of", counter_of)
    monkeypatch.setattr(gates, "ASK_EVERY_S", 0)
    return gates.train(Settings(), gates.Lessons(base="bees", precision=0.9), as_json=True)


def at(stage: Stage, done: int) -> Looking:
    return Looking(progress=Progress(stage=stage, done=done, total=50))


async def test_the_bars_reach_what_the_house_says(monkeypatch: pytest.MonkeyPatch) -> None:
    bars: list[tuple[str, list[int]]] = []

    @contextlib.contextmanager
    def progressing(*about: object) -> Iterator[Callable[[int], None]]:
        bars.append((str(about[-1]), []))
        yield bars[-1][1].append

    monkeypatch.setattr(gates, "progressing", progressing)
    house = Scripted(
        *(at(Stage.SEARCHING, done) for done in (0, 20, 50)),
        *(at(Stage.TRAINING, done) for done in (0, 0, 25)),  # the first one ends the searching
        Looking(problem=Said("不行", "it broke")),
    )
    with pytest.raises(OperatorMistake, match="it broke"):
        await train_in(house, monkeypatch)
    assert bars == [("searching", [0, 40, 60]), ("training", [0, 50])]


async def test_who_interrupts_stops_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    house = Scripted(at(Stage.SEARCHING, 1))
    with pytest.raises(asyncio.CancelledError):
        await train_in(house, monkeypatch)
    assert house.asked == ["train_gate", "gate_looking", "gate_looking", "stop_training"]


async def test_what_somebody_else_stopped_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TryLater, match="stopped; nothing of it was kept"):
        await train_in(Scripted(Looking(), Looking()), monkeypatch)
