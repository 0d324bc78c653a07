"""Few-shot scores: probes, adapters and boundaries from a few training images of each class."""
