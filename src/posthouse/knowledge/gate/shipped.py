"""What is believed of a message before anything was learnt: two signs and a few round numbers.

A message wants an answer the more of it stands in the best passages, and the more of its words are
everyday speech in the base. Both signs mean the same in small and in large bases, in Chinese and in
English, so one set of numbers will do.
"""

from __future__ import annotations

from math import log1p
from typing import Final

from posthouse.knowledge.gate.features import everyday_words, evidence
from posthouse.knowledge.passage import Found

EVIDENCE: Final = 6.0
EVIDENCE_MAX: Final = 1.5  # a long message is not the surer for being long
SLOPE: Final = 2.0
MIDDLE: Final = 1.5

# Where to draw the line. Like the numbers above chosen on development messages, with bases of 55 to
# 15,000 passages, and not moved since: figures are taken with messages that nobody has looked at.
SURE: Final = 0.73  # overheard: nine of ten answers wanted, where three of ten messages want one
BALANCED: Final = 0.40  # as many missed as wrong
LENIENT: Final = 0.12  # addressed: hardly one missed


def log_odds(found: Found) -> float:
    """Say how likely a message wants an answer, by what was found for it."""
    signs = min(EVIDENCE * evidence(found), EVIDENCE_MAX) + log1p(everyday_words(found))
    return SLOPE * (signs - MIDDLE)
