"""The command line: parse, call one function, say in one sentence what went wrong."""

from kilnsight.cli.main import main

__all__ = ["main"]
