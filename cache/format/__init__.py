"""The file format: its rules, and how a file is laid out, written and opened."""
