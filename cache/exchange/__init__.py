"""Embeddings of other tools in and out: npy, npz, Parquet."""
