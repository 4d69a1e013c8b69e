"""A small base about keeping bees, and people who talk about that and about other things."""

from __future__ import annotations

from functools import cache
from random import Random

from posthouse.knowledge.chunks import chunks
from posthouse.knowledge.gate.training import Case, case
from posthouse.knowledge.index import Index, Learned
from posthouse.knowledge.passage import Block, Extract, Found

PAGES = (
    ("换巢脾", "蜂箱里的旧巢脾颜色发黑时，要在春天换成新的巢脾，避免蜂群生病。"),
    ("喂糖水", "秋天蜜源不足时给蜂群喂糖水，糖和水的比例是二比一，傍晚喂最好。"),
    ("防螨虫", "蜂螨要在断子期治疗，用药后检查蜂箱底板上的落螨数量。"),
    ("分蜂", "蜂王老了或者蜂箱太挤，蜂群就会分蜂；提前加继箱可以避免。"),
    ("过冬", "过冬前缩小巢门，给蜂箱保温，留足十公斤蜂蜜。"),
    ("Smoker", "Light the smoker before you open a hive, and use cool white smoke only."),
)
SUBJECTS = ("旧巢脾", "蜂群", "糖水", "蜂螨", "分蜂", "蜂箱保温", "巢门", "蜂王", "继箱", "smoker")
QUESTIONS = (
    "请问{}应该什么时候处理比较好？",
    "大家的{}出问题了怎么办，要检查蜂箱吗",
    "how do I use the {} before winter",
    "{}的比例和数量有什么要求吗",
)
TALK = (
    "今天中午吃什么",
    "哈哈哈哈太好笑了",
    "明天放假吗？",
    "谁看了昨晚的球赛",
    "房价又涨了",
    "这手机拍照怎么样，值得买吗？",
    "周末有人一起爬山吗",
    "see you tomorrow everybody",
)


@cache
def index() -> Index:
    """Return the base; nobody writes to it."""
    made = Index.in_memory("bees")
    pages = [
        Learned(number, chunks(Extract(title, (Block(text),)), "bees", number, f"{title}.md"))
        for number, (title, text) in enumerate(PAGES, 1)
    ]
    made.learn(pages, revision=len(pages))
    return made


def labels(count: int, seed: int = 1) -> list[tuple[str, bool]]:
    """Return messages, every third of them a question to the base."""
    random = Random(seed)
    return [
        (random.choice(QUESTIONS).format(random.choice(SUBJECTS)) + "～" * (number % 7), True)
        if number % 3 == 0
        else (random.choice(TALK) + "呀" * (number % 7), False)
        for number in range(count)
    ]


@cache
def cases(count: int, seed: int = 1) -> tuple[Case, ...]:
    """Return the messages with what is found for them."""
    base = index()
    return tuple(
        case(text, is_wanted, base.search(text)) for text, is_wanted in labels(count, seed)
    )


def found(text: str) -> Found:
    return index().search(text)
