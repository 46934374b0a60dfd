"""Our arithmetic of LoRA layers and attention against PEFT's and torch's own."""

import pytest
import torch
from peft import LoraConfig, PeftModel

from learning.policy import attention, lora
from learning.policy.local import LocalTrainer
from learning.policy.trainer import Datum, Lora, Loss, LossKind, Weights

from .. import tiny

CROSS_ENTROPY = Loss(LossKind.CROSS_ENTROPY)
DATA = [Datum(tiny.tokens(5, n // 2), tiny.tokens(4 + n, 50 + n), (1.0,) * (4 + n)) for n in (0, 1)]


def bend(adapted: PeftModel) -> None:
    """Make the adapter a change other than zero, the same in every model."""
    generator = torch.Generator().manual_seed(1)
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)


def plain_gradient() -> torch.Tensor:
    """PEFT's own layers under torch's own attention in float32, a sequence at a time."""
    config = LoraConfig(r=4, lora_alpha=8, target_modules=lora.PATTERN, task_type="CAUSAL_LM")
    adapted = PeftModel(tiny.model().bfloat16().float(), config)
    bend(adapted)
    for datum in DATA:
        ids = torch.tensor([datum.prompt + datum.response])
        logprobs = adapted(ids).logits[0, len(datum.prompt) - 1 : -1].log_softmax(1)
        (-logprobs.gather(1, ids[0, len(datum.prompt) :, None]).sum()).backward()
    return torch.cat([p.grad.flatten() for p in adapted.parameters() if p.grad is not None])


@pytest.mark.parametrize(("dtype", "likeness"), [("float32", 0.999999), ("bfloat16", 0.999)])
def test_gradients_are_those_of_plain_peft_in_float32(dtype, likeness):
    base = tiny.model().bfloat16().to(getattr(torch, dtype))
    attention.use(base)
    trainer = LocalTrainer(base)
    trainer.create(Lora(rank=4, alpha=8))
    bend(trainer.adapted)

    trainer.forward_backward(DATA, CROSS_ENTROPY)

    ours = [p.grad.flatten() for p in trainer.adapted.parameters() if p.grad is not None]
    assert all(part.dtype == torch.float32 for part in ours)
    assert torch.cosine_similarity(torch.cat(ours), plain_gradient(), dim=0) > likeness


def test_a_fresh_adapter_equals_its_base_in_bfloat16_to_the_last_bit():
    base = tiny.model().bfloat16()
    attention.use(base)
    trainer = LocalTrainer(base)
    trainer.create(Lora(rank=4, alpha=8))

    assert trainer.logprobs(DATA, Weights.POLICY) == trainer.logprobs(DATA, Weights.BASE)


def test_attention_and_its_gradients_are_torch_s_own():
    generator = torch.Generator().manual_seed(2)
    # Two rows, four heads that share two keys' heads, six places; the third sees itself only.
    shapes = [(2, 4, 6, 8), (2, 2, 6, 8), (2, 2, 6, 8)]
    ours = [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]
    theirs = [part.detach().clone().requires_grad_() for part in ours]
    mask = torch.ones(2, 1, 6, 6, dtype=torch.bool).tril()
    mask[1, 0, 2, :2] = False
    upstream = torch.randn(2, 6, 4, 8, generator=generator)

    found, _ = attention.attend(torch.nn.Module(), *ours, mask, scaling=0.3)
    expected = torch.nn.functional.scaled_dot_product_attention(
        *theirs, attn_mask=mask, scale=0.3, enable_gqa=True
    ).transpose(1, 2)
    found.backward(upstream)
    expected.backward(upstream)

    torch.testing.assert_close(found, expected)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)
