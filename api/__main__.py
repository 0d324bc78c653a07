"""`python -m oodcache`: the command line."""

from oodcache.cli.main import main

if __name__ == "__main__":
    main()
