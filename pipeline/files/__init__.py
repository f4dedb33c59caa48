"""What is read and written: people's lines, records, and files that are whole or not there."""
