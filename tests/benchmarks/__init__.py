"""`make bench`: what the parts cost, as tables and as JSON. Nothing here is asserted."""
