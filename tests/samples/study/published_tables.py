"""Published tables in percent, typed from their sources, in the order of the registry's sets."""

from __future__ import annotations

# By method: FPR95 with ID positive and with OOD positive, then AUROC.
RENEG = {
    "MCM": (
        "34.38 24.20 93.82, 38.48 29.58 92.49, 47.91 46.73 89.03, 58.65 50.20 86.17, "
        "44.86 37.68 90.38"
    ),
    "NegLabel": (
        "1.81 1.24 99.52, 20.17 21.40 95.45, 32.80 38.60 92.13, 42.22 38.60 91.12, "
        "24.25 24.96 94.55"
    ),
    "AdaNeg, float16": (
        "0.90 0.59 99.71, 9.92 9.84 97.38, 22.02 33.63 94.21, 17.76 25.33 95.71, 12.65 17.35 96.75"
    ),
    "AdaNeg, float32": (
        "0.91 0.61 99.71, 10.35 10.20 97.31, 22.12 33.29 94.19, 18.46 26.11 95.53, "
        "12.96 17.56 96.69"
    ),
    "TANL (paper's settings), float32": (
        "0.45 0.47 99.83, 3.47 3.74 98.99, 17.29 21.36 95.68, 15.86 14.00 96.76, 9.27 9.89 97.82"
    ),
    "TANL (paper's settings), float16": (
        "0.45 0.47 99.83, 3.48 3.73 98.99, 17.38 21.37 95.68, 15.82 13.96 96.77, 9.28 9.88 97.82"
    ),
    "TANL (its script's settings), float32": (
        "0.47 0.60 99.78, 4.18 4.13 98.66, 16.46 22.54 95.62, 13.55 15.74 96.45, 8.66 10.75 97.63"
    ),
    "TANL (paper's settings), ID first": (
        "4.46 4.45 99.02, 16.90 15.84 96.62, 38.21 42.11 91.16, 21.52 18.64 95.90, "
        "20.27 20.26 95.67"
    ),
    "TANL (paper's settings), OOD first": (
        "3.92 4.00 99.10, 14.63 11.94 97.15, 35.63 36.49 92.31, 20.31 18.58 96.08, "
        "18.62 17.75 96.16"
    ),
}
# FPR95 and AUROC, by source and method; "-" where none is printed.
OTHERS = {
    ("ReNeg's rerun", "TANL (paper's settings), drift I-S-P-T"): (
        "0.47 99.83, 4.68 98.75, 21.33 95.65, 15.24 96.60, 10.43 97.71"
    ),
    ("ReNeg's rerun", "TANL (paper's settings), drift S-P-T-I"): (
        "0.50 99.83, 3.80 98.96, 21.64 95.64, 15.10 96.59, 10.26 97.75"
    ),
    ("ReNeg's rerun", "TANL (paper's settings), drift P-T-I-S"): (
        "0.53 99.82, 4.60 98.75, 21.53 95.53, 17.05 96.35, 10.93 97.61"
    ),
    ("ReNeg's rerun", "TANL (paper's settings), drift T-I-S-P"): (
        "0.50 99.83, 4.63 98.75, 20.60 95.76, 14.21 96.74, 9.99 97.77"
    ),
    ("OpenOOD-VLM's log", "AdaNeg"): (
        "0.55 99.71, 10.62 97.35, 33.92 94.17, 26.70 95.56, 17.95 96.70"
    ),
    ("OpenOOD-VLM's log", "AdaNeg, sample-adaptive proxies"): (
        "0.71 99.71, 10.99 97.23, 34.38 94.10, 28.84 94.85, 18.73 96.47"
    ),
    ("OpenOOD-VLM's log", "NegLabel"): (
        "1.24 99.52, 21.55 95.46, 38.54 92.15, 38.54 91.11, 24.97 94.56"
    ),
    ("OpenOOD-VLM's log", "MCM, its temperature searched"): (
        "28.69 92.98, 37.36 90.64, 53.75 87.30, 58.71 85.19, 44.63 89.03"
    ),
    ("OpenOOD-VLM's log", "LAPT"): (
        "1.10 99.60, 20.59 95.35, 35.38 92.84, 40.11 90.42, 24.29 94.55"
    ),
    ("OpenOOD-VLM's log", "AdaNeg with LAPT's prompts"): (
        "0.58 99.76, 9.98 97.67, 30.47 94.93, 24.25 95.66, 16.32 97.01"
    ),
    ("CLIPN's README (Wang et al., ICCV 2023)", "CLIPN-CTW"): (
        "24.41 92.80, 33.09 89.34, 37.92 87.34, 54.28 79.75, 37.42 87.31"
    ),
    ("CLIPN's README (Wang et al., ICCV 2023)", "CLIPN-ATD"): (
        "19.11 96.20, 25.69 94.18, 32.11 92.62, 40.91 90.81, 29.46 93.45"
    ),
    ("TANL (Zhang et al., CVPR 2026), second-hand", "TANL"): (
        "0.42 99.84, 3.53 99.07, 21.90 95.87, 13.38 97.11, 9.81 97.97"
    ),
    ("TANL (Zhang et al., CVPR 2026), second-hand", "TANL, drift I-S-P-T"): (
        "0.45 99.84, 4.75 98.77, 22.16 95.93, 14.91 96.67, 10.56 97.80"
    ),
    ("TANL (Zhang et al., CVPR 2026), second-hand", "TANL, drift S-P-T-I"): (
        "0.46 99.83, 3.65 99.04, 21.37 95.92, 15.09 96.70, 10.14 97.87"
    ),
    ("TANL (Zhang et al., CVPR 2026), second-hand", "TANL, drift P-T-I-S"): (
        "0.45 99.84, 5.28 98.73, 21.67 95.87, 15.33 96.66, 11.68 97.87"
    ),
    ("TANL (Zhang et al., CVPR 2026), second-hand", "TANL, drift T-I-S-P"): (
        "0.47 99.83, 4.69 98.77, 21.30 95.94, 13.51 97.04, 9.99 97.89"
    ),
    ("TANL (Zhang et al., CVPR 2026), second-hand", "TANL, ID first"): (
        "2.97 -, 8.35 -, 29.63 -, 24.91 -, 16.47 -"
    ),
    ("TANL (Zhang et al., CVPR 2026), second-hand", "TANL, OOD first"): (
        "2.74 -, 9.06 -, 36.00 -, 19.14 -, 16.73 -"
    ),
    ("AdaNeg (Zhang and Zhang, NeurIPS 2024), second-hand", "AdaNeg"): (
        "0.59 99.71, 9.50 97.44, 34.34 94.55, 31.27 94.93, 18.92 96.66"
    ),
    ("CSP (Chen et al., NeurIPS 2024), second-hand", "CSP"): (
        "1.54 -, 13.66 -, 29.32 -, 25.52 -, 17.51 95.76"
    ),
}
