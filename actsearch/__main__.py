"""``python -m actsearch``: the same as the ``actsearch`` command."""

from actsearch.cli.main import main

if __name__ == "__main__":
    main()
