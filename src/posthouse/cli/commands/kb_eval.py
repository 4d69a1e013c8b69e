"""Knowing when to be silent: measuring it, and teaching it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from posthouse.cli.commands.table import Config, Data, Json, finish, kb_app, say, settings_by
from posthouse.model.errors import OperatorMistake

Precision = Annotated[
    float,
    typer.Option(
        help=say(
            "旁听时的回答中，应有多大比例是对方想要的",
            "of the overheard messages that are answered, the share that shall have wanted it",
        ),
        min=0.5,
        max=0.99,
    ),
]


@kb_app.command(
    "eval",
    help=say(
        "用自己的文档和标注测量：什么时候该沉默",
        "measure, with documents and labels of yours, how well it knows when to be silent",
    ),
)
def eval_command(
    *,
    corpus: Annotated[
        Path,
        typer.Option(
            help=say(
                '文档，每行一个 {"path": …, "text": …}，可以是 .gz',
                'documents, a line {"path": …, "text": …} each; may be gzipped',
            ),
            metavar="FILE",
        ),
    ],
    labels: Annotated[
        Path,
        typer.Option(
            help=say(
                '标注，每行一个 {"text": …, "answer": 1 或 0}',
                'labels, a line {"text": …, "answer": 1 or 0} each',
            ),
            metavar="FILE",
        ),
    ],
    train: Annotated[
        Path | None,
        typer.Option(
            help=say(
                "先用这些标注训练；不给就用自带的判断",
                "train with these labels first; without them the shipped gate judges",
            ),
            metavar="FILE",
        ),
    ] = None,
    is_nested: Annotated[
        bool,
        typer.Option(
            "--nested",
            help=say(
                "分块训练和测试 --labels，每块都由没见过它的判断来判",
                "train and test with --labels, each block judged by a gate that never saw it",
            ),
        ),
    ] = False,
    precision: Precision = 0.9,
    as_json: Json = False,
) -> None:
    from posthouse.cli.kb_eval import Wanted, measure

    if train is not None and is_nested:
        raise OperatorMistake(
            "--train and --nested are two ways of training: choose one.",
            zh="--train 和 --nested 是两种训练方式，请选一种。",
        )
    wanted = Wanted(
        corpus=corpus, labels=labels, train=train, is_nested=is_nested, precision=precision
    )
    finish(measure(wanted, as_json=as_json))


Base = Annotated[str, typer.Argument(metavar="BASE", help=say("知识库", "knowledge base"))]


def _files(zh: str, en: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(help=say(zh, en), metavar="FILE")
    return option


@kb_app.command(
    "train",
    help=say(
        "用标注、👍/👎、撤回和审核结果训练：什么时候该沉默",
        "train when to be silent: by labels, 👍/👎, answers taken back, operators' verdicts",
    ),
)
def train_command(  # noqa: PLR0913 - its options
    base: Base,
    *,
    good: Annotated[
        list[Path] | None,
        _files("该回答的消息，每行一条", "messages that wanted an answer, one per line"),
    ] = None,
    bad: Annotated[
        list[Path] | None, _files("不该回答的消息，每行一条", "messages that did not, one per line")
    ] = None,
    labels: Annotated[
        list[Path] | None,
        _files('每行一个 {"text": …, "answer": 1 或 0}', 'lines {"text": …, "answer": 1 or 0}'),
    ] = None,
    precision: Precision = 0.9,
    is_used: Annotated[
        bool, typer.Option("--use", help=say("训练后立即启用", "decide with it from now on"))
    ] = False,
    config: Config = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    from posthouse.cli.gates import Lessons, train

    lessons = Lessons(
        base=base,
        good=tuple(good or ()),
        bad=tuple(bad or ()),
        labels=tuple(labels or ()),
        precision=precision,
        is_used=is_used,
    )
    finish(train(settings_by(config, data).settings, lessons, as_json=as_json))


@kb_app.command(
    "gates", help=say("训练过的判断和效果", "the gates that were trained, and how well")
)
def gates_command(
    base: Base, *, config: Config = None, data: Data = None, as_json: Json = False
) -> None:
    from posthouse.cli.gates import show

    finish(show(settings_by(config, data).settings, base, as_json=as_json))


@kb_app.command("use-gate", help=say("启用某个判断，0 为自带的", "decide with a gate; 0: shipped"))
def use_gate_command(
    base: Base,
    gate: Annotated[int, typer.Argument(metavar="NUMBER", min=0)],
    *,
    config: Config = None,
    data: Data = None,
) -> None:
    from posthouse.cli.gates import use

    finish(use(settings_by(config, data).settings, base, gate))
