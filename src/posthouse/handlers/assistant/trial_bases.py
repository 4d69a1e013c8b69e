"""Which knowledge a trial may name: what answers there, and what whoever tries may ask besides."""

from __future__ import annotations

from posthouse.handlers.trying import Trial
from posthouse.knowledge.sources.built_in import BASE as BUILT_IN
from posthouse.model.errors import NotThere, Refused
from posthouse.store.conduct import Rule
from posthouse.store.documents import Documents


async def demand_bases(trial: Trial, rule: Rule, documents: Documents) -> None:
    """Make sure that a trial may look where it wants to.

    Args:
        trial: the bases it names.
        rule: in force there; without bases, all of them answer.
        documents: knows which bases there are.

    Raises:
        Refused: a base does not answer there; whether it exists is not told.
        NotThere: there is no such base.
    """
    allowed = {*(rule.bases or trial.bases), *trial.bases_beyond}
    for base in trial.bases:
        if base not in allowed:
            raise Refused(
                f"the knowledge base {base} does not answer here; a token may ask it with the"
                f" scope ask:base={base}",
                zh=f"知识库 {base} 不在这里回答；令牌需要权限范围 ask:base={base}",
            )
        if base != BUILT_IN and await documents.base(base) is None:
            raise NotThere(
                f"there is no knowledge base {base}; `posthouse kb list` shows them",
                zh=f"没有知识库 {base}；posthouse kb list 列出已有的",
            )
