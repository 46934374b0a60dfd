"""One trainer over several processes, each with the whole base model and the same adapter.

Rank 0 leads: it is asked as any trainer is, deals out the data and puts the results together. The
other ranks follow its orders. Replies to one prompt stay on one rank, since they share the prompt's
computation; gradients are summed over the ranks before each step, so that every rank takes the same
step and the adapters stay equal. Rank 0 alone samples and saves.

Orders go through gloo, gradients through nccl on GPUs. All ranks must see the same files, which
they do on one machine: `torchrun --nproc-per-node N -m learning.worker.launch`.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from transformers import PreTrainedModel

from learning.policy.local import LocalTrainer
from learning.policy.trainer import (
    Adam,
    Datum,
    Floats,
    Lora,
    Loss,
    Output,
    Sampler,
    SavedState,
    TokenIds,
    Weights,
)

# Followers wait for the next order as long as nobody asks for an update.
PATIENCE = timedelta(days=3650)
LEADER = 0
STOP = "stop"


@dataclass(frozen=True, slots=True)
class Order:
    """A method of the local trainer, what it takes, and the rank's share of the data."""

    act: str
    arguments: dict[str, Any] = field(default_factory=dict)
    data: list[Datum] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    result: Any = None
    error: Exception | None = None


def join() -> int:
    """Take part in the group that torchrun started; this process's rank."""
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, timeout=PATIENCE)
    return dist.get_rank()


def make_trainer(base: PreTrainedModel, sampler: Sampler | None = None) -> LocalTrainer:
    """One that leads the group, where there is a group."""
    if dist.is_available() and dist.is_initialized():
        return Leader(base, sampler)
    return LocalTrainer(base, sampler)


def follow(trainer: LocalTrainer) -> None:
    """Carry out what rank 0 orders until it says stop."""
    while (order := _receive(None)).act != STOP:
        _collect(_carry_out(trainer, order))


def dismiss() -> None:
    """Let the followers end. Called by rank 0, when it ends."""
    _receive([Order(STOP)] * dist.get_world_size())
    dist.destroy_process_group()


class Leader(LocalTrainer):
    """The local trainer of rank 0, which lets the others share in what it is asked."""

    def create(self, lora_shape: Lora) -> None:
        self._everywhere("create", lora_shape=lora_shape)

    def create_from(self, folder: Path) -> None:
        self._everywhere("create_from", folder=folder)

    def load_state(self, folder: Path) -> SavedState:
        state: SavedState = self._everywhere("load_state", folder=folder)
        return state

    def step_back(self, share: float) -> None:
        self._everywhere("step_back", share=share)

    def unload(self) -> None:
        self._everywhere("unload")

    def forward(self, data: Sequence[Datum], loss: Loss) -> Output:
        return _joined(*self._dealt("forward", data, loss=loss))

    def forward_backward(self, data: Sequence[Datum], loss: Loss) -> Output:
        return _joined(*self._dealt("forward_backward", data, loss=loss))

    def optim_step(self, adam: Adam) -> float:
        return float(self._everywhere("optim_step", adam=adam))

    def logprobs(
        self,
        data: Sequence[Datum],
        weights: Weights,
        *,
        temperature: float = 1.0,
        exactly: bool = False,
    ) -> tuple[Floats, ...]:
        shares, results = self._dealt(
            "logprobs", data, weights=weights, temperature=temperature, exactly=exactly
        )
        return _in_place(shares, results)

    def _everywhere(self, act: str, **arguments: Any) -> Any:
        return self._ordered([Order(act, arguments)] * dist.get_world_size())[LEADER]

    def _dealt(
        self, act: str, data: Sequence[Datum], **arguments: Any
    ) -> tuple[list[list[int]], list[Any]]:
        shares = deal(data, dist.get_world_size())
        return shares, self._ordered(
            [Order(act, arguments, [data[number] for number in share]) for share in shares]
        )

    def _ordered(self, orders: list[Order]) -> list[Any]:
        """What every rank made of its order. Raises what the first that failed raised."""
        found = _collect(_carry_out(self, _receive(orders)))
        for done in found:
            if done.error is not None:
                raise done.error
        return [done.result for done in found]


def deal(data: Sequence[Datum], ranks: int) -> list[list[int]]:
    """Which data each rank takes: prompt by prompt, the largest first, to whom has least."""
    by_prompt: defaultdict[TokenIds, list[int]] = defaultdict(list)
    for number, datum in enumerate(data):
        by_prompt[datum.prompt].append(number)

    def tokens(prompt: TokenIds) -> int:
        return len(prompt) + sum(len(data[number].response) for number in by_prompt[prompt])

    shares: list[list[int]] = [[] for _ in range(ranks)]
    loads = [0] * ranks
    for prompt in sorted(by_prompt, key=tokens, reverse=True):
        least = loads.index(min(loads))
        shares[least] += by_prompt[prompt]
        loads[least] += tokens(prompt)
    return shares


def _joined(shares: list[list[int]], outputs: list[Output]) -> Output:
    rows = _in_place(shares, [output.logprobs for output in outputs])
    return Output(sum(output.loss for output in outputs), rows)


def _in_place(shares: list[list[int]], results: list[tuple[Floats, ...]]) -> tuple[Floats, ...]:
    found: list[Floats] = [()] * sum(map(len, shares))
    for share, rows in zip(shares, results, strict=True):
        for number, row in zip(share, rows, strict=True):
            found[number] = row
    return tuple(found)


def _carry_out(trainer: LocalTrainer, order: Order) -> Done:
    """With the local trainer's own method, also on the leader. An error is for the leader to raise:
    a rank that ended here would leave the others waiting."""
    data = () if order.data is None else (order.data,)
    try:
        if order.act == "optim_step":
            _sum_gradients(trainer)
        return Done(getattr(LocalTrainer, order.act)(trainer, *data, **order.arguments))
    except Exception as error:  # noqa: BLE001 (see above)
        return Done(error=error)


def _sum_gradients(trainer: LocalTrainer) -> None:
    """In one message. A rank without data has none of its own."""
    parameters = [each for each in trainer.adapted.parameters() if each.requires_grad]
    for each in parameters:
        if each.grad is None:
            each.grad = torch.zeros_like(each)
    flat = torch.cat([each.grad.flatten() for each in parameters if each.grad is not None])
    dist.all_reduce(flat)
    for each, part in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
        each.grad = part.view_as(each).clone()


def _receive(orders: list[Order] | None) -> Order:
    """This rank's order; `orders` are everybody's, on the leader."""
    received: list[Any] = [None]
    dist.scatter_object_list(received, orders, src=LEADER)
    order: Order = received[0]
    return order


def _collect(done: Done) -> list[Done]:
    """Everybody's results on the leader; nothing elsewhere."""
    is_leader = dist.get_rank() == LEADER
    found: list[Any] = [None] * dist.get_world_size() if is_leader else []
    dist.gather_object(done, found if is_leader else None, dst=LEADER)
    return found
