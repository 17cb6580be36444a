"""The page of a cleaning."""
