"""What the console says when something is not possible, in Chinese and English."""

from __future__ import annotations

from msgspec import Struct

from posthouse.settings.language import Said


class Problem(Struct, frozen=True):
    """A stable code, an HTTP status, and one sentence that says what to do."""

    code: str
    status: int
    said: Said


_ALL = (
    Problem("sign_in", 401, Said("请先登录。", "Please sign in first.")),
    Problem(
        "not_allowed",
        403,
        Said(
            "你的角色不能这样做，请联系管理员。",
            "Your role may not do this; ask an admin.",
        ),
    ),
    Problem(
        "foreign_origin",
        403,
        Said(
            "请求来自另一个网站，已拒绝。若使用反向代理，请设置 server.public_url。",
            "This came from another site and was refused. Behind a proxy, set server.public_url.",
        ),
    ),
    Problem("not_found", 404, Said("这里没有要找的内容。", "There is nothing here.")),
    Problem(
        "method_not_allowed",
        405,
        Said("这里不接受这种请求。", "This address does not take such requests."),
    ),
    Problem("not_understood", 422, Said("表单填写有误。", "Something in the form is not right.")),
    Problem("too_large", 413, Said("内容太大。", "This is too large.")),
    Problem(
        "changed_meanwhile",
        409,
        Said("状态已经变了，请刷新后再看。", "It has changed meanwhile; look again."),
    ),
    Problem("refused", 409, Said("不能这样改。", "It cannot be changed like this.")),
    Problem(
        "try_later",
        503,
        Said("服务暂时忙，请稍后再试。", "The house is busy; try again in a moment."),
    ),
    Problem(
        "too_many_pages", 503, Said("打开的页面太多。", "Too many pages are open; close some.")
    ),
    Problem("broken", 500, Said("出错了，原因在日志里。", "Something failed; the log says what.")),
)

PROBLEMS: dict[str, Problem] = {problem.code: problem for problem in _ALL}


class Declined(Exception):
    """A request that is answered with one of the ``PROBLEMS``, in its words or better ones."""

    def __init__(self, code: str, said: Said | None = None) -> None:
        super().__init__(code)
        self.problem = PROBLEMS[code]
        self.said = said or self.problem.said
