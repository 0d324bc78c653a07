"""The command line: one click file per command; parse, call, print."""
