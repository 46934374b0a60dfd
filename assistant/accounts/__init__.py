"""Who may come in, with which key, and what they agreed to."""
