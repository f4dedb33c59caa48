"""The commands that hold critics against labelled rows."""
