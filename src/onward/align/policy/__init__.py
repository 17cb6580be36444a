"""Reinforcement: a chat model draws answers, something says what each is worth, and the model learns to draw the better ones."""
