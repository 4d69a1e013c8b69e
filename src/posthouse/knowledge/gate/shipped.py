"""What is believed of a message before anything was learnt: two signs, three round numbers.

A message wants an answer the more of it stands in the best passages, and the more of its words are
everyday speech in the base. Both signs mean the same in small and in large bases.
"""

from __future__ import annotations

from math import log1p
from typing import Final

from posthouse.knowledge.gate.features import everyday_words, evidence
from posthouse.knowledge.passage import Found

EVIDENCE: Final = 10.0
EVERYDAY: Final = 2.0
DOUBT: Final = 4.4

# Where to draw the line. Like the numbers above chosen on development messages, with bases
# of 55 to 15,000 passages, and are not moved: figures are taken with messages nobody looked at.
# Overheard: nine of ten answers wanted, where three of ten messages want one. Balanced: as many
# missed as wrong. Addressed: hardly one missed.
SURE: Final = 0.70
BALANCED: Final = 0.40
LENIENT: Final = 0.10


def log_odds(found: Found) -> float:
    """Say how likely a message wants an answer, by what was found for it."""
    return EVIDENCE * evidence(found) + EVERYDAY * log1p(everyday_words(found)) - DOUBT
