"""Image data sets: known by name under a data root, or any folder of images; listed, not read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.names import GROUPS, check_name
from oodcache.extract.folders import list_folder
from oodcache.extract.listing import ImageListing, ImageSource


@dataclass(frozen=True)
class KnownSet:
    """A data set of the field: how many images it has, and where below a data root it is."""

    images: int
    folders: tuple[str, ...]


KNOWN_SETS = {
    "imagenet-val": KnownSet(
        50_000, ("imagenet/val", "imagenet_1k/val", "images_largescale/imagenet_1k/val")
    ),
    "iNaturalist": KnownSet(10_000, ("iNaturalist", "images_largescale/inaturalist")),
    "SUN": KnownSet(10_000, ("SUN",)),
    "Places": KnownSet(10_000, ("Places",)),
    "Textures": KnownSet(5_640, ("dtd/images", "Textures/dtd/images", "Textures")),
}
PREFIXES = ("MOS", "ImageNet_OOD_dataset", "")


def find(specification: str, data_root: Path) -> ImageSource:
    """Return the source that a known name or NAME=PATH means; refuse what is not there."""
    name, equals, path = specification.partition("=")
    if equals:
        source = ImageSource(check_name(name, "data set"), Path(path))
    elif name in KNOWN_SETS:
        root = _known_root(name, data_root)
        source = ImageSource(name, root, KNOWN_SETS[name].images, GROUPS.get(name))
    else:
        own = f"{Path(name).name}={name}" if Path(name).is_dir() else "NAME=FOLDER"
        raise InputError(
            f"data set {name!r} is not known (known are: {', '.join(KNOWN_SETS)}); "
            f"for a folder of your own type {own}"
        )
    if not source.root.is_dir():
        what = "is not a folder" if source.root.exists() else "no such folder"
        raise InputError(f"{source.root}: {what}; {name}=FOLDER wants a folder of images")
    return source


def _known_root(name: str, data_root: Path) -> Path:
    if not data_root.is_dir():
        raise InputError(
            f"{data_root}: no such data root, where {name} would be; "
            "give --data-root FOLDER or set OODCACHE_DATA"
        )
    candidates = [
        data_root / prefix / folder for folder in KNOWN_SETS[name].folders for prefix in PREFIXES
    ]
    for candidate in candidates:
        if candidate.is_dir():
            images = candidate / "images"
            return images if images.is_dir() else candidate
    looked = ", ".join(str(one.relative_to(data_root)) for one in candidates[:3])
    raise InputError(
        f"{data_root}: holds no {name} (looked for {looked}, …); "
        f"give --data-root FOLDER, or {name}=FOLDER"
    )


def list_images(source: ImageSource) -> ImageListing:
    """Return the images of a source in a fixed order; refuse one that holds none."""
    return list_folder(source)
