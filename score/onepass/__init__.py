"""Any number of variants in one pass over the images."""
