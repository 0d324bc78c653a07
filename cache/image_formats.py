"""Image formats that are opened, by Pillow's names, and the extensions of their files.

Pillow is given this list for every untrusted image. It would otherwise also open formats that start
another program (EPS: Ghostscript), need one (WMF), hold images of any other format (IPTC, MPEG),
say nothing about the range of their numbers (FITS, SPIDER), or may lack the picture (PSD).
"""

from __future__ import annotations

EXTENSIONS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpx", ".jpf"),
    "AVIF": (".avif",),
    "ICO": (".ico",),
    "TGA": (".tga",),  # Last: it has no signature.
}
FORMATS = tuple(EXTENSIONS)
