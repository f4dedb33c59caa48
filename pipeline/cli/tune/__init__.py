"""The command that follows an editor, and what it shows."""
