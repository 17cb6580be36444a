"""Prophets: who proposes what may come next, for the target to verify in one pass (speculative decoding)."""
