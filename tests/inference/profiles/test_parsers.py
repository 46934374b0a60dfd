"""The parsers that the profiles name take apart what these families write, as vLLM streams it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from inference.profiles import FAMILIES, Checkpoint
from tests.inference.profiles.templates import HYBRID, INSTRUCT, KIMI, THINKING

pytestmark = pytest.mark.slow

MARKS = {
    "qwen3": ["<think>", "</think>", "<tool_call>", "</tool_call>"],
    "kimi_k2": [
        *("<think>", "</think>"),
        *("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
        *("<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"),
    ],
}
CALLS = {
    "qwen3": '<tool_call>\n{"name": "clock", "arguments": {"zone": "UTC"}}\n</tool_call>',
    "kimi_k2": "<|tool_calls_section_begin|><|tool_call_begin|>functions.clock:0"
    '<|tool_call_argument_begin|>{"zone": "UTC"}<|tool_call_end|><|tool_calls_section_end|>',
}


# Family, template, how the prompt ends, what is thought, and whether that is switched on.
CASES = {
    "instruct": ("qwen3", INSTRUCT, "", "", True),
    "thinking": ("qwen3", THINKING, "<think>\n", "I need it.</think>", True),
    "switched on": ("qwen3", HYBRID, "", "<think>I need it.</think>", True),
    "switched off": ("qwen3", HYBRID, "<think>\n\n</think>\n\n", "", False),
    "kimi": ("kimi_k2", KIMI, "", "", True),
    "kimi thinking": ("kimi_k2", THINKING, "", "<think>I need it.</think>", True),
}


@pytest.fixture(scope="module")
def found():
    """All in one process: importing vLLM takes longer than the rest."""
    script = Path(__file__).with_name("parsing.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        input=json.dumps([given(*case) for case in CASES.values()]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip(CASES, json.loads(done.stdout.splitlines()[-1]), strict=True))


def given(family, template, prompt, thought, thinks):
    profile = FAMILIES[family].profile(Checkpoint(template=template))
    return {
        "tools": profile.tool_parser,
        "reasoning": profile.reasoning_parser,
        "marks": MARKS[family],
        "prompt": prompt,
        "answer": f"{thought}Looking.{CALLS[family]}",
        "template": dict(profile.template(thinks=thinks)),
    }


@pytest.mark.parametrize("case", CASES)
def test_reasoning_text_and_calls_come_apart(found, case):
    thought = CASES[case][3]

    assert found[case] == {
        "reasoning": "I need it." if thought else "",
        "content": "Looking.",
        "calls": {"0": ["clock", '{"zone": "UTC"}']},
    }
