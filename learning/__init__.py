"""How the assistant gets better: reward model, policy updates, gates."""
