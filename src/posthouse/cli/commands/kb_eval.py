"""Knowing when to be silent: measuring it, and teaching it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from posthouse.cli.commands.table import Json, finish, kb_app, say
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
