"""A known dataset: its image count, its places below a data root, its labels and its origin."""

from __future__ import annotations

from dataclasses import dataclass

FETCHED = "MOS"
PREFIXES = (FETCHED, "ImageNet_OOD_dataset", "")
# How the folders of a dataset name its classes; "" is by the first folder's own name.
WORDNET, NUMBERS = "wordnet", "numbers"
ID, CSID, OOD, SELECT = "ID", "csid", "OOD", "select"
LABELLED = (ID, CSID)


@dataclass(frozen=True)
class Archive:
    """A gzipped tar that can be downloaded: its URL, its one folder, and its MD5.

    `md5` is the published one, None if there is none. `images` counts all images in it if it
    holds several datasets.
    """

    url: str
    folder: str
    md5: str | None = None
    images: int | None = None

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class KnownSet:
    """A standard dataset: how many images it has, and where below a data root it is.

    `images` is the published count, None if it is not known. The first of OpenOOD's `image_lists`
    that exists selects the images, otherwise the first of `folders` does. `classes` names the
    class list that class numbers stand for, and `labels` says how folders name classes. With
    `split`, a file of the dataset's own selects the test images. `archive` is None if it cannot
    be downloaded; `origin` is where to get it, `place` where below a data root it belongs.
    """

    images: int | None
    folders: tuple[str, ...] = ()
    image_lists: tuple[str, ...] = ()
    classes: str = ""
    labels: str = ""
    split: str = ""
    archive: Archive | None = None
    origin: str = ""
    role: str = OOD
    belongs: str = ""

    @property
    def place(self) -> str:
        """Return where below a data root the dataset belongs."""
        if self.archive is not None:
            return f"{FETCHED}/{self.archive.folder}"
        return self.belongs or self.folders[0]

    @property
    def unpacked(self) -> str:
        """Return the folder of the images in the archive."""
        assert self.archive is not None, "it has been downloaded"
        top = self.archive.folder
        return next(one for one in self.folders if one.split("/")[0] == top)
