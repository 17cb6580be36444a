"""Learning from preferences directly: a chat model learns which answers are better, without a reward model and without drawing answers."""
