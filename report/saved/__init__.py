"""Results read back from JSON, which is untrusted: rows, and what they hold of each kind."""
