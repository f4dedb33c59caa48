"""The commands that put a manifesto into a generator."""
