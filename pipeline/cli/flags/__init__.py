"""What commands are given: flags that several share, and the files that those name."""
