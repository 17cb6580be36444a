"""Raw text in, clean documents out: the steps, how they are run over many parts, and what becomes of what is dropped."""
