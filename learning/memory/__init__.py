"""Learning what to keep in mind: dialogues to learn from, and how memory is measured."""
