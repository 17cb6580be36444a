"""Texts written many tokens at a time: masked diffusion, by blocks or of a whole text, mask-predict, and drafts that are mended."""
