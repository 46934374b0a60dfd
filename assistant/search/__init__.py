"""Finding again what was said: by its words and by its meaning. For people, not for the window."""
