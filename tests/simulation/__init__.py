"""Simulated people who use Danas through its HTTP API, and what becomes of what they want.

Nothing here imports the product: any simulator that speaks HTTP can take its place.
"""
