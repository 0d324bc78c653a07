"""Files cut into shards, and merged."""
