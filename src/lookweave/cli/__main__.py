"""``python -m lookweave.cli``: the command line."""

from lookweave.cli.main import main

main()
