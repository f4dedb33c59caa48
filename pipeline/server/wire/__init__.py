"""What the routes share of OpenAI's interface: what comes in, how an answer ended, events, faults that are declared."""
