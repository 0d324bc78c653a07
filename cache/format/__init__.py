"""What a file of the cache is: its rules, its structure, how it is written and opened."""
