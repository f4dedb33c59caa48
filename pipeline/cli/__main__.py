"""`python -m pipeline.cli`, the same as `superego`."""

from pipeline.cli.main import main

main()
