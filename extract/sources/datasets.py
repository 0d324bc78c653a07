"""Image datasets: known by name below a data root, or given as NAME=PATH."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.parquet import can_read
from oodcache.cache.names import GROUPS, named_path
from oodcache.cache.text import counted
from oodcache.extract.known import folder_labels, noise, splits
from oodcache.extract.known.known_set import NUMBERS, PREFIXES, KnownSet
from oodcache.extract.sources import braces, clip_benchmark, ground_truth, lists, tables, tars
from oodcache.extract.sources.folders import images_below, list_folder
from oodcache.extract.sources.hugging_face import layouts, stored
from oodcache.extract.sources.known_sets import BENCHMARKS, KNOWN_SETS, close_to, known_set
from oodcache.extract.sources.listing import UNSAID, ImageListing, ImageSource, Options
from oodcache.extract.texts import cifar, imagenet

TAR, STORED = ".tar", "stored"
FIRST = 9  # Known names in an error.
PACKED = (".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip")


@dataclass(frozen=True)
class Form:
    """A form of image source: its listing function, name, file extensions and options."""

    listed: Callable[[ImageSource], ImageListing]
    called: str
    suffixes: Sequence[str] = ()
    options: Sequence[str] = ()


FORMS = {
    "folder": Form(list_folder, "a folder of images"),
    "list": Form(lists.list_lines, "a list (.txt)", lists.SUFFIXES, ["image_root"]),
    "table": Form(
        *(tables.list_table, "a table (.csv, .tsv, .parquet)", tables.SUFFIXES),
        ["image_root", "path_column", "label_column"],
    ),
    STORED: Form(
        *(stored.list_stored, "images in .parquet or .arrow", layouts.SUFFIXES),
        ["image_root", "label_column", "image_column"],
    ),
    "tars": Form(tars.list_tars, "a .tar"),
}
*_most, _last = (one.called for one in FORMS.values())
# No path can be given for these.
FORMS[noise.FORM] = Form(noise.list_noise, "")
FORMS[splits.FORM] = Form(splits.list_split, "", options=["image_root"])
# Functions, because the ids are read from files.
CLASS_IDS: dict[str, Callable[[], Sequence[str]]] = {
    "imagenet": imagenet.ids,
    "imagenet200": imagenet.renditions,
    "cifar10": lambda: cifar.TEN,
    "cifar100": lambda: cifar.HUNDRED,
}
WANTED = f"expected {', '.join(_most)} or {_last}"


def find(specification: str, data_root: Path, options: Options = UNSAID) -> ImageSource:
    """Return the source for a known name or NAME=PATH; raise InputError if it is missing."""
    name, path = specification, None
    if name == noise.NAME:
        return noise.source()
    if "=" in specification:
        name, path = named_path(specification, "dataset")
    try:
        source = _known(name, data_root) if path is None else _at(name, path, options)
    except OSError as error:  # Such as a name that is too long, or a folder without access.
        where = data_root if path is None else path
        raise InputError(f"{where}: cannot be read: {error.strerror}") from None
    return replace(source, data_root=data_root, options=options)


def check_options(sources: Sequence[ImageSource], options: Options) -> None:
    """Reject options that apply to none of the sources."""
    taken = {option for source in sources for option in FORMS[source.form].options}
    for option, applies in (
        ("image_root", "--image-root applies to lists and tables only"),
        ("path_column", "--path-column and --label-column apply to tables only"),
        ("label_column", "--path-column and --label-column apply to tables only"),
        ("image_column", "--image-column applies to images in .parquet or .arrow files only"),
    ):
        if getattr(options, option) is not None and option not in taken:
            raise InputError(f"{applies}: none is given")


def list_images(source: ImageSource) -> ImageListing:
    """Return the images of a source in a fixed order; raise InputError if it has none."""
    listing = folder_labels.labelled(ground_truth.labelled(FORMS[source.form].listed(source)))
    if source.beside.may_be_images:
        note = f"beside its tars, {source.beside.note}"
        listing = replace(listing, notes=(note, *listing.notes))
    return listing


def _at(name: str, typed: str, options: Options) -> ImageSource:
    path, suffix = Path(typed), Path(typed).suffix.lower()
    if path.is_dir():
        return _folder(name, path)
    if not path.exists():
        return _several(name, typed)
    if suffix == TAR:
        return _tars(name, path, [path])
    if _has_images(path, options):
        return ImageSource(name, path, form=STORED, stored=(path,))
    for form, one in FORMS.items():
        if suffix in one.suffixes:
            return ImageSource(name, path, form=form)
    if suffix in PACKED:
        raise InputError(
            f"{path}: is compressed, so single images cannot be read: unpack it and give the .tar "
            "or the folder"
        )
    raise InputError(
        f"{path}: is not a folder, list, table or tar of images; {name}=PATH: {WANTED}"
    )


def _several(name: str, typed: str) -> ImageSource:
    """Return the files that braces or a * name."""
    path = Path(typed)
    if path.suffix.lower() == TAR and "{" in typed:
        return _tars(name, path, [Path(one) for one in braces.expand(typed)])
    if layouts.is_stored(path) and "{" in typed:
        each = _there(path, [Path(one) for one in braces.expand(typed)])
        return ImageSource(name, path, form=STORED, stored=each)
    if layouts.is_stored(path) and "*" in typed:
        return ImageSource(name, path, form=STORED, stored=layouts.matching(name, typed))
    raise InputError(f"{path}: no such file or folder; {name}=PATH: {WANTED}")


def _has_images(path: Path, options: Options) -> bool:
    """Return whether a file holds images itself; a Parquet table of paths does not."""
    if not layouts.is_stored(path) or options.image_column is not None:
        return layouts.is_stored(path)
    if path.suffix.lower() != tables.PARQUET:
        return True
    return options.path_column is None and stored.holds_images(path)


def _folder(name: str, path: Path) -> ImageSource:
    """Return a folder of images, or of tars or stored images if it has those and no images."""
    if (split := clip_benchmark.split(path)) is not None:
        return _tars(name, path, clip_benchmark.tars(split))
    found = sorted(one for one in path.iterdir() if _is_tar(one))
    if not found:
        return _stored_or_images(name, path)
    images, left_out = images_below(path)
    if images:
        raise InputError(_mixed(name, path, "tar", found, [image for image, _ in images]))
    beside = left_out.without([os.fsencode(one.name) for one in found])
    return replace(_tars(name, path, found), beside=beside)


def _stored_or_images(name: str, path: Path) -> ImageSource:
    """Return a folder of files that hold images, or of images; one of both is rejected."""
    below = layouts.below(path)
    is_stored = bool(below) or layouts.is_saved(path)
    images = [image for image, _ in images_below(path)[0]] if is_stored else []
    if is_stored and not images:
        return ImageSource(name, path, form=STORED, stored=layouts.files_in(name, path))
    if held := [one for one in below if images and _surely_has_images(one)]:
        raise InputError(_mixed(name, path, "file of images", held, images))
    return ImageSource(name, path)


def _surely_has_images(path: Path) -> bool:
    """Return whether a file beside images holds some itself, False if it cannot be read."""
    try:
        return can_read() and _has_images(path, UNSAID)
    except InputError:
        return False


def _is_tar(path: Path) -> bool:
    return path.suffix.lower() == TAR and not path.name.startswith(".") and not path.is_dir()


def _mixed(name: str, path: Path, noun: str, files: Sequence[Path], images: Sequence[bytes]) -> str:
    """Return the error for a folder of files and images, of which only one kind would be read."""
    smaller = [os.fsdecode(one) for one in images]
    if len(files) < len(images):
        smaller = [one.name for one in files]
    taken = smaller[0] if len(smaller) == 1 else f"{smaller[0]}, … ({len(smaller):,} files)"
    more = " (and so on)" if len(files) > 1 else ""
    return (
        f"{path} holds {counted(len(files), noun)} and {counted(len(images), 'image')}: give the "
        f"{noun.split()[0]}s as {name}={files[0]}{more}, or take {taken} out"
    )


def _tars(name: str, typed: Path, each: Sequence[Path]) -> ImageSource:
    return ImageSource(name, typed, form="tars", tars=_there(typed, each))


def _there(typed: Path, each: Sequence[Path]) -> tuple[Path, ...]:
    if missing := [one for one in each if not one.exists()]:
        raise InputError(
            f"{typed}: {missing[0]} does not exist ({len(missing):,} of {len(each):,} are missing)"
        )
    return tuple(each)


def known(name: str, data_root: Path) -> ImageSource | None:
    """Return the source of a known dataset, None if it is not below the data root."""
    wanted = of_name(name)
    if (root := _known_root(wanted, data_root)) is None:
        return None
    is_list = root in [data_root / one for one in wanted.image_lists]
    has_numbers = is_list or wanted.labels == NUMBERS
    return ImageSource(
        name,
        root,
        expected=wanted.images,
        group=GROUPS.get(name),
        form=splits.FORM if wanted.split else "list" if is_list else "folder",
        classes=tuple(CLASS_IDS[wanted.classes]()) if wanted.classes and has_numbers else (),
        data_root=data_root,
        labels=wanted.labels,
    )


def of_name(name: str, advice: str = "") -> KnownSet:
    """Return a known dataset; raise InputError, ending in `advice`, if the name is not one."""
    if (found := known_set(name)) is None:
        first = ", ".join(list(KNOWN_SETS)[:FIRST])
        more = f"{first}, …, and those of {', '.join(BENCHMARKS)}: oodcache data ls all"
        meant = f"; perhaps {' or '.join(close)}" if (close := close_to(name[:60])) else ""
        raise InputError(f"dataset {name[:60]!r} is not known (known are: {more}{meant}){advice}")
    return found


def _known(name: str, data_root: Path) -> ImageSource:
    own = f"{Path(name).stem}={name}" if Path(name).exists() else "NAME=PATH"
    wanted = of_name(name, f"; for your own images, use {own}")
    if not data_root.is_dir():
        raise InputError(
            f"{data_root}: no such data root, needed for {name}; "
            "give --data-root FOLDER or set OODCACHE_DATA"
        )
    if (source := known(name, data_root)) is None:
        raise InputError(_missing(name, wanted, data_root))
    return source


def _known_root(wanted: KnownSet, data_root: Path) -> Path | None:
    """Return the list or folder with a known dataset's images."""
    for one in wanted.image_lists:
        if (data_root / one).is_file():
            return data_root / one
    for folder in _folders(wanted):
        if wanted.split and (data_root / folder / wanted.split).is_file():
            return data_root / folder / wanted.split
        if not wanted.split and (data_root / folder).is_dir():
            images = data_root / folder / "images"
            return images if images.is_dir() else data_root / folder
    return None


def _folders(wanted: KnownSet) -> list[Path]:
    return [Path(prefix, folder) for folder in wanted.folders for prefix in PREFIXES]


def class_names(name: str, data_root: Path) -> Sequence[str]:
    """Return the class names that a known dataset's own files give its test images, sorted."""
    return list_images(_known(name, data_root)).images.label_names


def _missing(name: str, wanted: KnownSet, data_root: Path) -> str:
    places = [str(folder / wanted.split) for folder in _folders(wanted)]
    looked = [*wanted.image_lists[:1], *places][:3]
    root = shlex.quote(str(data_root))
    how = f"oodcache data fetch {name} --data-root {root}"
    if not wanted.archive:
        how = f"oodcache data ls {name}"
    return (
        f"{data_root}: contains no {name} (looked for {', '.join(looked)}, …); "
        f"give --data-root FOLDER, or {name}=FOLDER; or run: {how}"
    )
