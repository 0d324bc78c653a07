"""The field's standard datasets: names, image counts, locations and origins."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """A gzipped tar that can be downloaded: its URL, its one folder, and its MD5.

    `md5` is the published one, None if there is none.
    """

    url: str
    folder: str
    md5: str | None = None

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class KnownSet:
    """A standard dataset: how many images it has, and where below a data root it is.

    OpenOOD's `image_list` selects the images if it exists, otherwise the folder does. With
    `classes`, the list's labels are ImageNet's class numbers. `archive` is None if it cannot be
    downloaded; `origin` is where to get it, `place` where below a data root it belongs.
    """

    images: int
    folders: tuple[str, ...]
    image_list: str | None = None
    classes: bool = False
    archive: Archive | None = None
    origin: str = ""

    @property
    def place(self) -> str:
        """Return where below a data root the dataset belongs."""
        if self.archive is not None:
            return f"{FETCHED}/{self.archive.folder}"
        return self.folders[0] if self.folders else IMAGENET


FETCHED = "MOS"
PREFIXES = (FETCHED, "ImageNet_OOD_dataset", "")
LISTS = "benchmark_imglist/imagenet"
IMAGENET = "images_largescale/imagenet_1k/val"
MOS = "http://pages.cs.wisc.edu/~huangrui/imagenet_ood_dataset"
DTD = "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz"
DRIVE = "OpenOOD's folder on Google Drive"
LOGIN = "image-net.org, which requires a login"


def _of_mos(name: str, *folders: str) -> KnownSet:
    return KnownSet(
        10_000, (name, *folders), archive=Archive(f"{MOS}/{name}.tar.gz", name), origin=MOS
    )


KNOWN_SETS = {
    "imagenet-val": KnownSet(50_000, ("imagenet/val", "imagenet_1k/val", IMAGENET), origin=LOGIN),
    "imagenet-openood": KnownSet(
        45_000,
        (),
        f"{LISTS}/test_imagenet.txt",
        classes=True,
        origin=f"{LOGIN}, and its list from {DRIVE}",
    ),
    "iNaturalist": _of_mos("iNaturalist", "images_largescale/inaturalist"),
    "SUN": _of_mos("SUN"),
    "Places": _of_mos("Places"),
    "Textures": KnownSet(
        5_640,
        ("dtd/images", "Textures/dtd/images", "Textures"),
        archive=Archive(DTD, "dtd", md5="fff73e5086ae6bdbea199a49dfb8a4c1"),
        origin=DTD.rpartition("/")[0],
    ),
    "SSB-hard": KnownSet(
        49_000, ("images_largescale/ssb_hard",), f"{LISTS}/test_ssb_hard.txt", origin=DRIVE
    ),
    "NINCO": KnownSet(
        5_879,
        ("images_largescale/ninco",),
        f"{LISTS}/test_ninco.txt",
        origin="Zenodo's record 8013288 (NINCO_all.tar.gz)",
    ),
    "OpenImage-O": KnownSet(
        15_869, ("images_largescale/openimage_o",), f"{LISTS}/test_openimage_o.txt", origin=DRIVE
    ),
}
