"""The cache folder: finding, listing, inspecting, verifying and removing files."""
