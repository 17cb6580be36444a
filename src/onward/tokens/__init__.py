"""Text to ids and back: tokenisers, chat templates with their loss mask, streaming."""
