"""The model: trunk, masks, families (Hugging Face names) and the model folder. Import from the files themselves."""
