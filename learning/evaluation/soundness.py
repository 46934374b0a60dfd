"""How sound an answer is by rules that no feedback can move: the reward model's counterweight."""

from __future__ import annotations

import re

from learning.policy.trainer import TokenIds

# A run of this many tokens that occurs again counts as a repeat.
REPEATED_RUN = 4
# What an answer loses that ends by itself, in the middle of a sentence.
BROKEN_OFF = 0.25
LONG_WORDS = 8
ENDED = re.compile(r"[.!?:;…\"'\u2019\u201d»)\]}`*>_|~=+0-9-]\s*$|\n\s*[-*\d].*$")


def repeated_share(said: TokenIds) -> float:
    """Which share of an answer's runs of four tokens has occurred in it before."""
    runs = [tuple(said[i : i + REPEATED_RUN]) for i in range(len(said) - REPEATED_RUN + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def soundness(said: TokenIds, text: str, *, has_ended: bool) -> float:
    """From 0 (blank) to 1. A few words, or an item of a list, need no full stop.

    Args:
        said: the answer's tokens without its end mark.
        has_ended: it ended by itself rather than being cut off.
    """
    if not said or not text.strip():
        return 0.0
    is_whole = len(text.split()) < LONG_WORDS or ENDED.search(text) is not None
    return 1 - repeated_share(said) - (BROKEN_OFF if has_ended and not is_whole else 0.0)
