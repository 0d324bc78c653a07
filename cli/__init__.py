"""The command line: a click file a command; parse, call, print."""
