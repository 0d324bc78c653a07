"""The command line, run as `python -m oodcache`."""

from oodcache.cli.main import main

if __name__ == "__main__":
    main()
