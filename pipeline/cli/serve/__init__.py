"""The command that serves, and the servers whose drafts it judges."""
