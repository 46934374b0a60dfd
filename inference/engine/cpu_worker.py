"""What Danas changes in vLLM's CPU worker, loaded there through `--worker-extension-cls`."""

from __future__ import annotations

from inference.engine import cpu_lora, cpu_ranks, cpu_seeds

CHANGES = (cpu_lora, cpu_ranks, cpu_seeds)


class WorkerExtension:
    """Nothing of its own: vLLM imports this module in its worker for it, and so the changes."""
