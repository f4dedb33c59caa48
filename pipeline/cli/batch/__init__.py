"""The command for many prompts, and what it shows of them."""
