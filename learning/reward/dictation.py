"""Whether an answer says only what the question told it to say.

A vote on "Say A or B" judges the prompt's author, not the assistant: whoever writes both can plant
whatever they like. Such answers stay out of the head that everybody shares.

An answer is dictated when nearly all its words stand in the question in the same order, in runs:
short answers in one, longer ones in runs of at least `RUN` words. Rewriting tasks that change
little are caught as well, which costs a little evidence and no harm.

Paper: Wu et al. 2025, arXiv 2507.02850.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

RUN = 3
COVERED = 0.8
# A longer answer says something of its own, and comparing it would take long.
LONGEST = 400


def is_dictated(question: str, answer: str) -> bool:
    said, asked = _words(answer), _words(question)
    if not said or not asked or len(said) > LONGEST:
        return False
    matcher = SequenceMatcher(None, asked[-4 * LONGEST :], said, autojunk=False)
    least = min(RUN, len(said))
    runs = [block.size for block in matcher.get_matching_blocks() if block.size >= least]
    return sum(runs) >= COVERED * len(said)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
