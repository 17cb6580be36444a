"""Conversations of several turns, and instructions whose form a rule can check."""
