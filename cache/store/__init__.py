"""The folder of all files: found, listed, inspected, verified, removed."""
