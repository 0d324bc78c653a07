"""An extraction: planned, run shard by shard, completed."""
