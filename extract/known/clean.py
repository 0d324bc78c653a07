"""NINCO's archive: NINCO itself, and samples of other OOD sets without any class of ImageNet.

Its authors looked at every image of these samples. The folders and the counts are those of the
file list in their repository, github.com/j-cb/NINCO.
"""

from __future__ import annotations

from oodcache.extract.known.known_set import Archive, KnownSet
from oodcache.extract.known.openood import LARGE, LISTS

SAMPLES = {
    "Places": ("Places", 153),
    "iNaturalist": ("iNaturalist_OOD_Plants", 383),
    "Species": ("Species", 172),
    "ImageNet-O": ("ImageNet_O", 309),
    "OpenImage-O": ("OpenImage_O", 368),
    "Textures": ("Textures", 288),
    "COOD": ("COOD", 212),
    "ImageNet-OOD-400": ("ImageNet_1k_OOD_400_ood", 235),
    "SSB-easy": ("SSB_easy", 151),
    "SSB-hard": ("SSB_hard", 208),
    "360OpenSet": ("360OpenSet", 236),
}
NINCO, UNIT_TESTS = 5_879, 17 * 400
ARCHIVE = Archive(
    "https://zenodo.org/record/8013288/files/NINCO_all.tar.gz",
    "NINCO",
    md5="b9ffae324363cd900a81ce3c367cd834",
    images=NINCO + UNIT_TESTS + sum(images for _, images in SAMPLES.values()),
)
ORIGIN = "Zenodo's record 8013288 (NINCO_all.tar.gz)"
CLEAN = {
    "NINCO": KnownSet(
        NINCO,
        (f"{LARGE}/ninco", "NINCO/NINCO_OOD_classes"),
        (f"{LISTS}/imagenet/test_ninco.txt",),
        archive=ARCHIVE,
        origin=ORIGIN,
    ),
    **{
        f"NINCO-clean-{name}": KnownSet(
            images,
            (f"NINCO/NINCO_popular_datasets_subsamples/{folder}",),
            archive=ARCHIVE,
            origin=ORIGIN,
        )
        for name, (folder, images) in SAMPLES.items()
    },
}
