"""open_clip: the configurations of its architectures, and weights loaded into its models."""
