"""The state of an installation: what runs, how busy it is, what is stored, and keeping it safe."""
