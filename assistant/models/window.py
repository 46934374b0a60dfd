"""The window an answer was made from, and what the memory loop left of it."""

from __future__ import annotations

from django.db import models

from assistant.models.conversation import Message


class Window(models.Model):
    """The state of Memory Diffusion after one answer; the next turn starts from its parent's row.

    A row per answer, each bounded by the window's size, so a branch starts from the memory that
    its parent had. `shown` is what the policy saw when it made this answer; `blocks` is what is
    carried on, the answer included; `changes` says what was kept, rewritten and forgotten. `notes`
    names the notes of the profile that are among `shown`, as `{"id", "source"}` in their order.
    """

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, primary_key=True, related_name="window"
    )
    limit_tokens = models.PositiveIntegerField()
    used_tokens = models.PositiveIntegerField(help_text="of the prompt, template included")
    shown = models.JSONField()
    blocks = models.JSONField()
    changes = models.JSONField(default=list)
    notes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.used_tokens} of {self.limit_tokens} tokens"
