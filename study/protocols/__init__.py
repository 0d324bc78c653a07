"""The field's benchmarks as protocols: which sets have which role, in small TOML files."""
