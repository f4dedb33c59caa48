"""What of the machine this process may use."""
