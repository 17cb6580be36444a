"""Ranking a model's answers: prompts in, answers drawn from a model, and out who found which of them better, as preferences for a reward.

`rank.py` is the whole of it. The judge is a reward model, a chat model behind a URL, or a person at the terminal. Left out: answers of
several models beside one another, and a web page to vote on.
"""
