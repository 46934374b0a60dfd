"""Read-only links to a part of a conversation."""
