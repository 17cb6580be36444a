"""Questions on people and places, with their answers."""
