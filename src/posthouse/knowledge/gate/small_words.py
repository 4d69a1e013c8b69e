"""Words that stand in every conversation, so they say nothing of what it is about.

English ones as stems, Chinese ones as the pairs of characters that questions are cut into.
"""

from __future__ import annotations

from typing import Final

from posthouse.knowledge.words import stem

_ENGLISH: Final = """
    a about above after again all also am an and any anybody anyone anything are as at be because
    been before being between both but by can cannot could d did do does doing done down each either
    else ever every few for from get gets getting give go goes going gone good got had has have
    having he her here hers him his how i if in into is it its just know last let like ll look looks
    m make makes many may maybe me might more most much must my need needs never new no nobody not
    nothing now of off ok on once one only or other others our out over own please put re really s
    said same say says see she should since so some somebody someone something soon still such sure
    t take tell than thank thanks that the their them then there these they thing things think this
    those through time to today together tomorrow too try two under until up us use ve very want
    wants was way we well were what when where which while who whom whose why will with without won
    would yes yet you your yours yourself
"""
_CHINESE: Final = """
    一下 一个 一些 不是 不过 为什 也是 些人 什么 他们 以及 但是 你们 几个 只是 只有 可以 可能 吗
    哪个 哪里 因为 多少 大家 如果 就是 已经 应该 怎么 感觉 我们 或者 所以 时候 是不 是否 有人
    有没 没有 然后 现在 知道 而且 能不 自己 觉得 请问 谢谢 还是 还有 这个 这些 这样 这里 那个
    那些 那样 那里 都是 问下 问题 需要
"""

SMALL_WORDS: Final = frozenset((*map(stem, _ENGLISH.split()), *_CHINESE.split()))
