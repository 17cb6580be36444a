"""Raw text and conversations in, clean documents out."""
