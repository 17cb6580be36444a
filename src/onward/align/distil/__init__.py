"""Distilling a teacher: what a chat model knows, taken out of it as conversations that another model can learn from.

`distil.py` is the whole of it, from seeds to a file. Left out: the teacher's probabilities (only what it says is used), and tasks told
apart into classification and others, each with a prompt of its own, as Self-Instruct does for a model that only carries text on.
"""
