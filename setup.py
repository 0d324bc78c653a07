"""The kernel in C, which setup.cfg cannot declare; without a compiler it is left out."""

from setuptools import Extension, setup

KERNEL = Extension(
    "oodcache.score.kernel._rows",
    ["score/kernel/rows.c"],
    depends=["score/kernel/sweeps.h"],
    extra_compile_args=["-O3", "-ffp-contract=fast", "-fopenmp-simd", "-fwrapv", "-Wno-psabi"],
    optional=True,
)
setup(ext_modules=[KERNEL])
