"""What the policy can do besides speaking: built-in tools, and those of MCP servers.

`offers` says which tools an answer may use, `calling` stores, asks for, and runs what it calls.
"""
