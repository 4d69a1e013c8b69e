"""Whether the commands that assistants may run exist, and whether anybody may use them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from posthouse.api.permission_tasks import LOOK, Look
from posthouse.bootstrap import commands_alone
from posthouse.channels.finding import Finding, Mark
from posthouse.cli.house import counter_of, only_warnings
from posthouse.handlers.assistant.lent import Reference, reference
from posthouse.handlers.assistant.settings import AssistantOptions
from posthouse.handlers.lending import Lender, Lent
from posthouse.model.errors import PosthouseError
from posthouse.model.permission import Effect, Field
from posthouse.settings.language import Said
from posthouse.settings.mistakes import section
from posthouse.settings.settings import Settings


async def tool_findings(
    settings: Settings, now: float, *, has_book: bool
) -> AsyncIterator[Finding]:
    """Look at the tools of every assistant; the scenes are loaded here for it.

    Args:
        settings: the house's.
        now: when; permissions end.
        has_book: whether anything can have been granted yet.
    """
    try:
        wanted = _wanted(settings)
        references = [each for several in wanted.values() for each in several]
        if not references:
            return
        names = {each.handler for each in references}
        with only_warnings():
            async with commands_alone(settings, names) as lenders:
                found = {each: await _found(each, lenders) for each in references}
        closed = await _closed(settings, found, now, has_book=has_book)
    except PosthouseError as problem:
        yield Finding(Mark.FAIL, "tools", Said(problem.sentence("zh"), problem.sentence("en")))
        return
    for name, several in wanted.items():
        for finding in _findings(name, several, found, closed):
            yield finding
    if not settings.models:
        yield Finding(
            Mark.WARN,
            "tools",
            Said("助手要有模型才能执行命令", "the assistant needs a model to run commands"),
            Said(
                "设置 LLM_BASE_URL 等，或写 [models.<名称>]", "set LLM_BASE_URL, or [models.NAME]"
            ),
        )


def _wanted(settings: Settings) -> dict[str, tuple[Reference, ...]]:
    """Return what each assistant may run."""
    options = {
        name: section(AssistantOptions, handler.model_extra or {}, f"handlers.{name}")
        for name, handler in settings.handlers.items()
        if (handler.kind or name) == "assistant"
    }
    return {name: tuple(map(reference, each.tools)) for name, each in options.items() if each.tools}


async def _found(each: Reference, lenders: Mapping[str, Lender]) -> Lent | None:
    lender = lenders.get(each.handler)
    return await lender.find(each.command) if lender is not None else None


async def _closed(
    settings: Settings, found: Mapping[Reference, Lent | None], now: float, *, has_book: bool
) -> set[Reference]:
    """Return the commands that nobody may use."""
    private = [each for each, lent in found.items() if lent is not None and not lent.is_public]
    if not (private and has_book):
        return set(private)
    closed: set[Reference] = set()
    async with counter_of(settings) as house:
        for each in private:
            scene, _, command = each.command.partition(".")
            field = Field(handler=each.handler, scene=scene, command=command)
            lines = await house.ask(LOOK, Look(None, field))
            if not any(
                line.effect is Effect.ALLOW and (line.until_at or now + 1) > now for line in lines
            ):
                closed.add(each)
    return closed


def _findings(
    name: str,
    several: Sequence[Reference],
    found: Mapping[Reference, Lent | None],
    closed: set[Reference],
) -> list[Finding]:
    findings = []
    for each in several:
        if found[each] is None:
            findings.append(
                Finding(
                    Mark.FAIL,
                    "tools",
                    Said(f"没有命令 {each.title}，或它加载失败", f"no command {each.title} loads"),
                    Said(
                        f"改正 [handlers.{name}] 的 tools；posthouse reload 说明加载错误",
                        f"mend tools of [handlers.{name}]; `posthouse reload` says what is broken",
                    ),
                )
            )
        elif each in closed:
            findings.append(
                Finding(
                    Mark.WARN,
                    "tools",
                    Said(f"没有人可以用 {each.title}", f"nobody may use {each.title}"),
                    Said(f"例如 /grant @某人 {each.command}", f"/grant @somebody {each.command}"),
                )
            )
    if not findings:
        asking = [each.title for each in several if (lent := found[each]) and not lent.is_readonly]
        zh = f"{name} 可以执行 {len(several)} 条命令，先确认的：{'、'.join(asking) or '无'}"
        en = f"{name} may run {len(several)} commands; asks before: {', '.join(asking) or 'none'}"
        findings.append(Finding(Mark.OK, "tools", Said(zh, en)))
    return findings
