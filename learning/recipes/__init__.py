"""Experiments that anybody can run on their own data with the trainer's verbs."""
