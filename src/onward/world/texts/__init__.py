"""Raw texts about people, places and companies, for a base model."""
