"""The HTTP API under /v1. Views parse, call one function, translate errors and answer."""
