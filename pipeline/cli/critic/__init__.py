"""The commands that make critics."""
