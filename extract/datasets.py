"""Image data sets: known by name under a data root, or what NAME=PATH is; listed, not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.names import GROUPS, check_name
from oodcache.extract import braces, clip_benchmark, vocabularies
from oodcache.extract.folders import has_images, list_folder
from oodcache.extract.image_lists import list_lines
from oodcache.extract.image_tables import SUFFIXES as TABLE_SUFFIXES
from oodcache.extract.image_tables import list_table
from oodcache.extract.listing import (
    FOLDER,
    LIST,
    TABLE,
    TARS,
    UNSAID,
    ImageListing,
    ImageSource,
    Options,
)
from oodcache.extract.tar_shards import list_tars


@dataclass(frozen=True)
class KnownSet:
    """A data set of the field: how many images it has, and where below a data root it is.

    Where OpenOOD's `image_list` is there it says which images, or else the folder does. With
    `classes`, the list's labels are ImageNet's class numbers.
    """

    images: int
    folders: tuple[str, ...]
    image_list: str | None = None
    classes: bool = False


LISTS = "benchmark_imglist/imagenet"
KNOWN_SETS = {
    "imagenet-val": KnownSet(
        50_000, ("imagenet/val", "imagenet_1k/val", "images_largescale/imagenet_1k/val")
    ),
    "imagenet-openood": KnownSet(45_000, (), f"{LISTS}/test_imagenet.txt", classes=True),
    "iNaturalist": KnownSet(10_000, ("iNaturalist", "images_largescale/inaturalist")),
    "SUN": KnownSet(10_000, ("SUN",)),
    "Places": KnownSet(10_000, ("Places",)),
    "Textures": KnownSet(5_640, ("dtd/images", "Textures/dtd/images", "Textures")),
    "SSB-hard": KnownSet(49_000, ("images_largescale/ssb_hard",), f"{LISTS}/test_ssb_hard.txt"),
    "NINCO": KnownSet(5_879, ("images_largescale/ninco",), f"{LISTS}/test_ninco.txt"),
    "OpenImage-O": KnownSet(
        15_869, ("images_largescale/openimage_o",), f"{LISTS}/test_openimage_o.txt"
    ),
}
PREFIXES = ("MOS", "ImageNet_OOD_dataset", "")
LIST_SUFFIXES = (".txt", ".lst", ".list")
TAR = ".tar"
PACKED = (".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip")
WANTED = "wanted is a folder of images, a list (.txt), a table (.csv, .tsv, .parquet) or a .tar"
LISTERS = {FOLDER: list_folder, LIST: list_lines, TABLE: list_table, TARS: list_tars}


def find(specification: str, data_root: Path, options: Options = UNSAID) -> ImageSource:
    """Return the source that a known name or NAME=PATH means; refuse what is not there."""
    name, equals, path = specification.partition("=")
    try:
        source = _at(check_name(name, "data set"), path) if equals else _known(name, data_root)
    except OSError as error:  # Of a name that is too long, or a folder that is closed to us.
        where = path if equals else data_root
        raise InputError(f"{where}: cannot be looked at: {error.strerror}") from None
    return replace(source, data_root=data_root, options=options)


def check_options(sources: Sequence[ImageSource], options: Options) -> None:
    """Refuse options that say something of lists or tables where there is none."""
    forms = {source.form for source in sources}
    if options.image_root is not None and not forms & {LIST, TABLE}:
        raise InputError("--image-root is what lists' and tables' paths are below: none is given")
    if (options.path_column or options.label_column) and TABLE not in forms:
        raise InputError("--path-column and --label-column are of tables: none is given")


def list_images(source: ImageSource) -> ImageListing:
    """Return the images of a source in a fixed order; refuse one that holds none."""
    return LISTERS[source.form](source)


def _at(name: str, typed: str) -> ImageSource:
    path, suffix = Path(typed), Path(typed).suffix.lower()
    if path.is_dir():
        return _folder(name, path)
    if not path.exists():
        if suffix == TAR and "{" in typed:
            return _tars(name, path, [Path(one) for one in braces.expand(typed)])
        raise InputError(f"{path}: no such file or folder; {name}=PATH: {WANTED}")
    if suffix == TAR:
        return _tars(name, path, [path])
    if suffix in LIST_SUFFIXES:
        return ImageSource(name, path, form=LIST)
    if suffix in TABLE_SUFFIXES:
        return ImageSource(name, path, form=TABLE)
    if suffix in PACKED:
        raise InputError(
            f"{path}: is compressed, so that no image can be read by itself: unpack it, and give "
            "the .tar or the folder"
        )
    raise InputError(f"{path}: is no folder, list, table or tar of images; {name}=PATH: {WANTED}")


def _folder(name: str, path: Path) -> ImageSource:
    """Return a folder of images, or of tars where it has some and no image at all."""
    if (split := clip_benchmark.split(path)) is not None:
        return _tars(name, path, clip_benchmark.tars(split))
    tars = sorted(one for one in path.glob(f"*{TAR}") if not one.name.startswith("."))
    if tars and not has_images(path):
        return _tars(name, path, tars)
    return ImageSource(name, path)


def _tars(name: str, typed: Path, tars: Sequence[Path]) -> ImageSource:
    missing = [one for one in tars if not one.exists()]
    if missing:
        raise InputError(
            f"{typed}: {missing[0]} is not there ({len(missing):,} of {len(tars):,} are missing)"
        )
    return ImageSource(name, typed, form=TARS, tars=tuple(tars))


def _known(name: str, data_root: Path) -> ImageSource:
    known = KNOWN_SETS.get(name)
    if known is None:
        own = f"{Path(name).stem}={name}" if Path(name).exists() else "NAME=PATH"
        raise InputError(
            f"data set {name!r} is not known (known are: {', '.join(KNOWN_SETS)}); "
            f"for images of your own type {own}"
        )
    if not data_root.is_dir():
        raise InputError(
            f"{data_root}: no such data root, where {name} would be; "
            "give --data-root FOLDER or set OODCACHE_DATA"
        )
    if known.image_list is not None and (data_root / known.image_list).is_file():
        classes = vocabularies.imagenet_ids() if known.classes else ()
        source = ImageSource(name, data_root / known.image_list, form=LIST, classes=classes)
    else:
        source = ImageSource(name, _known_folder(name, data_root))
    return replace(source, expected=known.images, group=GROUPS.get(name))


def _known_folder(name: str, data_root: Path) -> Path:
    known = KNOWN_SETS[name]
    candidates = [data_root / prefix / folder for folder in known.folders for prefix in PREFIXES]
    for candidate in candidates:
        if candidate.is_dir():
            images = candidate / "images"
            return images if images.is_dir() else candidate
    looked = [str(one.relative_to(data_root)) for one in candidates[:3]]
    if known.image_list is not None:
        looked = [known.image_list, *looked[:2]]
    raise InputError(
        f"{data_root}: holds no {name} (looked for {', '.join(looked)}, …); "
        f"give --data-root FOLDER, or {name}=FOLDER"
    )
