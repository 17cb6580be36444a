"""Questions with one right answer that can be worked out: numbers, letters, programs."""
