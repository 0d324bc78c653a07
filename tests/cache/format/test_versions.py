"""Claims about versions: they are those of the installed packages."""

from __future__ import annotations

from importlib.metadata import version

from oodcache.cache.format import versions


def test_the_version_is_that_of_the_installed_package() -> None:
    assert version("oodcache") == versions.VERSION


def test_the_versions_are_those_of_the_installed_libraries() -> None:
    assert versions.of_arrays() == {name: version(name) for name in ("oodcache", "numpy")}
    every = {name: version(name) for name in ("oodcache", "numpy", "h5py")}
    assert versions.of_files() == every
