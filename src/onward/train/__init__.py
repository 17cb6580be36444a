"""Training: one loop, plans, packing, optimisers, checkpoints."""
