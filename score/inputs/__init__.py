"""What is scored: cached sets found, checked, cut to subsets."""
