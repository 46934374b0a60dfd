"""What is mine: to be had as a copy, and to be deleted."""
