"""AUROC, FPR, AUPR and the rest, with their intervals and tests."""
