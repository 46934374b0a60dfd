"""Servers of the Model Context Protocol: set up, asked what they offer, and called."""
