"""The page of a reward model."""
