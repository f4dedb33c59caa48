"""Published guard models as critics: each asked through the chat template that its own file carries."""
