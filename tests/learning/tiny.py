"""A random two-layer Llama over bytes, with its tokenizer, and an engine that serves it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

from inference.contracts import FinishReason, Policy, Sample, Sampling
from inference.errors import EngineUnavailable
from inference.tokenizer import ChatTokenizer
from learning.config import UpdateConfig
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Datum, Floats, Lora, SavedState, TokenIds, Weights
from learning.worker.loaded import Workshop

END = 256
VOCABULARY = 258
TEMPLATE = "{% for message in messages %}{{ message.content }}\n{% endfor %}"


def model(seed: int = 0) -> LlamaForCausalLM:
    """Hidden size 64, so that the two layers' states have 128 numbers, as many as features."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        eos_token_id=END,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = LlamaForCausalLM(config)
        # A fresh model is nearly uniform, and a small head cannot become sure of anything.
        for parameter in made.parameters():
            if parameter.dim() == 2:
                parameter.data *= 12 if parameter is made.lm_head.weight else 4
    return made.eval().requires_grad_(False)


def tokenizer() -> ChatTokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(alphabet)} | {"<end>": END}
    made = Tokenizer(models.BPE(vocabulary, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return ChatTokenizer(made, TEMPLATE, {}, frozenset({END}))


def tokens(count: int, seed: int) -> TokenIds:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randint(0, END, (count,), generator=generator).tolist())


NEARLY_GREEDY = 1e-4


class Engine:
    """Serves adapters on a model of its own, with a little noise, like an engine in bfloat16.

    Stands in for `learning.worker.engine.Engine`; `spoil` may swap the adapter that is served.
    """

    def __init__(self, noise: float = 0.02) -> None:
        self.loaded: set[str] = set()
        self.asked: list[str] = []
        self.is_down = False
        self.noise = noise
        self._trainer = LocalTrainer(model())
        self._noise_seed = 0

    def load(self, policy: Policy) -> None:
        self._check()
        self.loaded.add(policy.name)

    def unload(self, policy: Policy) -> None:
        self._check()
        self.loaded.discard(policy.name)

    def score(self, sequences: Sequence[TokenIds], policy: Policy) -> list[Floats]:
        data = [Datum(tokens[:1], tokens[1:]) for tokens in sequences]
        return [self._noisy(row) for row in self._logprobs(data, policy)]

    def sample(
        self, prompts: Sequence[TokenIds], sampling: Sampling, policy: Policy, samples: int
    ) -> list[list[Sample]]:
        assert sampling.top_p == 1.0
        self._check()
        self.asked.append(policy.name)
        with _Adapted(self._trainer, policy):
            drawn = self._draw([p for p in prompts for _ in range(samples)], sampling)
        return [drawn[n : n + samples] for n in range(0, len(drawn), samples)]

    @torch.no_grad()
    def _draw(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Sample]:
        """An answer to each, all at once: prompts are filled up from the left."""
        generator = torch.Generator().manual_seed(sampling.seed or 0)
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(prompt)) + list(prompt) for prompt in prompts])
        seen = torch.arange(width) >= width - torch.tensor([[len(prompt)] for prompt in prompts])
        logprobs = torch.zeros(len(prompts), 0)
        for _ in range(sampling.max_tokens):
            mask = seen.long()
            positions = (mask.cumsum(1) - 1).clamp(min=0)
            output = self._trainer.base(ids, attention_mask=mask, position_ids=positions)
            logits = output.logits[:, -1] / (sampling.temperature or NEARLY_GREEDY)
            distribution = logits.log_softmax(dim=1)
            # Like vLLM: the same luck for two policies that are asked with one seed.
            rare = torch.empty_like(distribution).exponential_(generator=generator)
            token = (distribution - rare.log()).argmax(1, keepdim=True)
            ids = torch.cat([ids, token], dim=1)
            seen = torch.cat([seen, torch.ones_like(token, dtype=torch.bool)], dim=1)
            logprobs = torch.cat([logprobs, distribution.gather(1, token)], dim=1)
        drawn = zip(ids[:, width:].tolist(), logprobs.tolist(), strict=True)
        return [self._sample(tokens, row) for tokens, row in drawn]

    def _sample(self, ids: list[int], logprobs: list[float]) -> Sample:
        """An answer as far as its end mark, if it has one."""
        length = ids.index(END) + 1 if END in ids else len(ids)
        reason = FinishReason.STOP if END in ids else FinishReason.LENGTH
        return Sample("", tuple(ids[:length]), self._noisy(tuple(logprobs[:length])), reason)

    def _logprobs(self, data: Sequence[Datum], policy: Policy) -> tuple[Floats, ...]:
        self._check()
        with _Adapted(self._trainer, policy):
            return self._trainer.logprobs(data, Weights.POLICY)

    def _noisy(self, row: Floats) -> Floats:
        self._noise_seed += 1
        generator = torch.Generator().manual_seed(self._noise_seed)
        return tuple(
            (torch.tensor(row) + self.noise * torch.randn(len(row), generator=generator)).tolist()
        )

    def _check(self) -> None:
        if self.is_down:
            raise EngineUnavailable("No engine answers.")


class TinyWorkshop(Workshop):
    """The worker's parts. The model is saved too, since adapters are checked against its file."""

    hyperparameters = UpdateConfig(
        steps=2, prompts=4, samples=2, max_new_tokens=8, learning_rate=3e-4, rank=4
    )

    @cached_property
    def tokenizer(self) -> ChatTokenizer:
        return tokenizer()

    @cached_property
    def base(self) -> LlamaForCausalLM:
        made = model()
        made.save_pretrained(self.folder)
        return made


class Sampler:
    """The engine as a trainer sees it; remembers which folders were published."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._policy = Policy("base")
        self.published: list[Path] = []

    def serve(self, state: SavedState) -> None:
        self.published.append(state.folder)
        self._policy = Policy(state.folder.name, str(state.folder), state.digest)

    def sample(
        self, prompts: Sequence[TokenIds], sampling: Sampling, samples: int
    ) -> list[list[Sample]]:
        return self._engine.sample(prompts, sampling, self._policy, samples)


class _Adapted:
    """The engine's model with one policy's adapter on it, for a while."""

    def __init__(self, trainer: LocalTrainer, policy: Policy) -> None:
        self._trainer, self._policy = trainer, policy

    def __enter__(self) -> None:
        if self._policy.path is None:
            self._trainer.create(Lora())
        else:
            self._trainer.create_from(Path(self._policy.path))

    def __exit__(self, *_: object) -> None:
        self._trainer.unload()
