"""Answers ranked: by a gold reward, and by a teacher who errs at a known rate."""
