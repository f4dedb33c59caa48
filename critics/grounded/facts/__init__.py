"""What of a sentence can be compared exactly: numbers, names, denials."""
