"""A run folder in, one self-contained report.html out."""
