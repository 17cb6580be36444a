"""Checking: the equivalences that must hold for one model folder on one machine, measured, not hoped for."""
