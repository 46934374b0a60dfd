"""How an answer is produced: the engine's client, the adapter registry, the memory window."""
