"""transformers: checkpoints in its layout, their images, prompts and weights."""
