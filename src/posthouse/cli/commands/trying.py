"""Pretended platforms, and measuring."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from posthouse.cli.commands.table import (
    PASSED_ON,
    Json,
    app,
    leave,
    say,
)
from posthouse.model.errors import OperatorMistake

PRETENDED = ("probe", "feishu", "onebot", "model")


@app.command(
    "simulate",
    help=say(
        "启动模拟的平台；它自己的选项：simulate probe -- --help",
        "start a pretended platform; its own options: simulate probe -- --help",
    ),
    context_settings=PASSED_ON,
)
def simulate_command(
    context: typer.Context,
    platform_name: Annotated[str, typer.Argument(metavar="probe|feishu|onebot|model")],
) -> None:
    from importlib import import_module

    if platform_name not in PRETENDED:
        there_is = ", ".join(PRETENDED)
        raise OperatorMistake(
            f"There is no pretended {platform_name} in this version; there is: {there_is}.",
            zh=f"此版本没有模拟的 {platform_name}；可用：{there_is}。",
        )
    sys.argv = [f"posthouse simulate {platform_name}", *context.args]
    import_module(f"posthouse.simulators.{platform_name}.__main__").main()


@app.command("bench", help=say("测量这台机器上的速度", "measure this machine"))
def bench_command(  # noqa: PLR0913 - its options
    names: Annotated[
        list[str] | None,
        typer.Argument(help=say("只测这些", "only these"), show_default=False),
    ] = None,
    *,
    messages: Annotated[int, typer.Option(help=say("消息数", "messages per round"))] = 10_000,
    rounds: Annotated[int, typer.Option(help=say("轮数", "rounds"))] = 5,
    kills: Annotated[int, typer.Option(help=say("crash：杀死几次", "crash: kills"))] = 20,
    events: Annotated[int, typer.Option(help=say("crash：消息数", "crash: messages"))] = 2000,
    seed: Annotated[
        int | None, typer.Option(help=say("crash：种子", "crash: seed"), show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    if names == ["crash"]:
        from posthouse.cli.laboratory.command import crash

        leave(crash(kills, events, seed, as_json=as_json))
    from posthouse.cli.measure import bench

    leave(bench(tuple(names or ()), messages, rounds, as_json=as_json))
