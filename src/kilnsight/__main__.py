"""`python -m kilnsight`: the command line."""

from kilnsight.cli import main

if __name__ == "__main__":
    main()
