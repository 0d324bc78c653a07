"""The embedded benchmark: small images and two small models."""
