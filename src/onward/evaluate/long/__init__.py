"""Texts of many lengths: what a model still finds in them, and where."""
