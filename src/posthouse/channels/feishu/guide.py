"""Every click that a Feishu app needs, in the order in which they work.

Feishu lets nobody choose the long connection before a program holds one: so the house connects in
the middle, and the choice is saved while it does.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from posthouse.channels.feishu.scopes import EVENTS, SCOPES
from posthouse.channels.feishu.settings import FeishuOptions
from posthouse.settings.language import Said


class Click(Struct, frozen=True):
    """One thing to do, and the page to do it on."""

    said: Said
    url: str


def to_create(base_url: str) -> Click:
    """Say where an app comes from."""
    return Click(
        Said(
            "创建企业自建应用，打开“凭证与基础信息”",
            "Create Custom App, then open Credentials & Basic Info",
        ),
        f"{base_url}/app",
    )


def before_connecting(options: FeishuOptions) -> Iterator[Click]:
    """Yield what comes first."""
    scopes = ", ".join(scope.name for scope in SCOPES)
    yield Click(
        Said("添加应用能力 → 机器人 → 添加", "Add Features → Bot → Add"),
        options.console_url("capability"),
    )
    yield Click(
        Said(
            f"权限管理 → 批量导入/开通权限（应用身份）：{scopes}",
            f"Permissions & Scopes → add as the app: {scopes}",
        ),
        options.console_url("auth"),
    )


def while_connected(options: FeishuOptions, webhook: str) -> Iterator[Click]:
    """Yield what needs the connection, or the address, to be there."""
    page, events = options.console_url("event"), ", ".join(EVENTS)
    if options.entrance == "webhook":
        way = Said(
            f"选“将事件发送至开发者服务器”，填 {webhook}，保存",
            f"choose “Send notifications to developer's server”, enter {webhook}, press Save",
        )
    else:
        way = Said(
            "选“使用长连接接收事件”，按“保存”（现在就按：驿站正连着）",
            "choose “Receive events through persistent connection” and press Save"
            " (now: the house is connected)",
        )
    yield Click(
        Said(f"事件配置 → 订阅方式 → {way.zh}", f"Event Configuration → Mode → {way.en}"), page
    )
    yield Click(Said(f"事件配置 → 添加事件：{events}", f"Add Events: {events}"), page)
    yield Click(
        Said(
            "回调配置 → 订阅方式同上并保存 → 添加回调：卡片回传交互 card.action.trigger",
            "Callback Configuration → the same mode, Save → add: Card interaction"
            " card.action.trigger",
        ),
        page,
    )


def at_the_end(options: FeishuOptions) -> Iterator[Click]:
    """Yield what makes all of it count."""
    yield Click(
        Said(
            "版本管理与发布 → 创建版本 → 保存并发布（权限要发布后才生效，可能需管理员批准）",
            "Version Management & Release → Create a version → Publish"
            " (scopes count from then on; an administrator may have to approve)",
        ),
        options.console_url("version"),
    )
