"""The page of a reinforcement."""
