"""Run in a process of its own: what vLLM's parsers make of answers that come token by token.

On standard input a list, in which each has the names of the parsers (`tools`, `reasoning`), the
`marks` that are tokens of their own, the end of the `prompt`, the `answer`, and what the `template`
is told; on standard output what was found, as a list.
"""

from __future__ import annotations

import json
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.parser.parser_manager import ParserManager

CLOCK = {"name": "clock", "parameters": {"type": "object"}}


def tokenizer(marks: list[str]) -> PreTrainedTokenizerFast:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=marks, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator([], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made)


def parsed(given: dict) -> dict:
    words = tokenizer(given["marks"])
    kind = ParserManager.get_parser(
        tool_parser_name=given["tools"],
        reasoning_parser_name=given["reasoning"],
        enable_auto_tools=True,
        tokenizer=words,
    )
    request = ChatCompletionRequest(
        messages=[{"role": "user", "content": "What time is it?"}],
        tools=[{"type": "function", "function": CLOCK}],
        chat_template_kwargs=given["template"],
    )
    parser = kind(words, request.tools, chat_template_kwargs=given["template"])
    prompt, answer = words.encode(given["prompt"]), words.encode(given["answer"])
    found = {"reasoning": "", "content": "", "calls": {}}
    for number, token in enumerate(answer, 1):
        delta = parser.parse_delta(
            words.decode([token]),
            [token],
            request,
            prompt_token_ids=prompt,
            finished=number == len(answer),
        )
        if delta:
            add(found, delta)
    return found


def add(found: dict, delta) -> None:
    found["reasoning"] += delta.reasoning or ""
    found["content"] += delta.content or ""
    for call in delta.tool_calls:
        name, arguments = found["calls"].get(call.index, ("", ""))
        found["calls"][call.index] = (
            name + (call.function.name or ""),
            arguments + (call.function.arguments or ""),
        )


if __name__ == "__main__":
    print(json.dumps([parsed(given) for given in json.load(sys.stdin)]))  # noqa: T201
