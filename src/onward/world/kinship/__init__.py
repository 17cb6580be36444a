"""How people are related: in the world, and in puzzles with invented families."""
