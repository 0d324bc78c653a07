"""A web server on this machine that can break off, ignore ranges, or lie; and archives for it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from samples.extract.tars import member


@dataclass(frozen=True)
class Asked:
    """What a request asked for: a path, and the headers of a range."""

    path: str
    range: str | None
    if_range: str | None


@dataclass
class Site:
    """Files by their paths, how they are served, and what was asked for.

    The next answers end after as many bytes as `cuts` says, and with `held` wait there until it is
    set. What has `moved` is redirected. Without `if_range` a range is of whatever is there now.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    ranges: bool = True
    if_range: bool = True
    versions: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    held: threading.Event | None = None
    moved: dict[str, str] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        site, headers = self.site, self.headers
        site.asked.append(Asked(self.path, headers["Range"], headers["If-Range"]))
        name = self.path.removeprefix("/")
        if name in site.moved:
            self.send_response(302)
            self.send_header("Location", f"{site.url}/{site.moved[name]}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        whole = site.files.get(name)
        if whole is None:
            self.send_error(404)
            return
        version, start = f'"{hashlib.sha256(whole).hexdigest()[:16]}"', 0
        is_same = headers["If-Range"] in (None, version, site.headers.get("Last-Modified"))
        if site.ranges and headers["Range"] and (is_same or not site.if_range):
            start = int(headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(whole):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        else:
            self.send_response(200)
        sent = {"Content-Length": str(len(whole) - start), **site.headers}
        for name, value in {**sent, **({"ETag": version} if site.versions else {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self._send(whole[start:])

    def _send(self, body: bytes) -> None:
        if self.site.cuts:
            body = body[: self.site.cuts.pop(0)]
            self.close_connection = True
        with suppress(OSError):  # Whoever asked has gone.
            self.wfile.write(body)
            self.wfile.flush()
        if self.close_connection and self.site.held is not None:
            self.site.held.wait(60)

    def log_message(self, format: str, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(**files: bytes) -> Iterator[Site]:
    """Serve files until the end; `site.url` is the folder that has them."""
    site = Site(dict(files))
    handler = type("Handler", (_Handler,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield site
        if site.held is not None:
            site.held.set()
        server.shutdown()
        thread.join()


def packed(members: Iterable[tuple[str, bytes] | tarfile.TarInfo]) -> bytes:
    """Return a gzipped tar of (name, content) pairs, and of headers without content."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for one in members:
            if isinstance(one, tarfile.TarInfo):
                tar.addfile(one)
            else:
                tar.addfile(member(*one), io.BytesIO(one[1]))
    return gzip.compress(plain.getvalue(), 1)


def images(folder: str, count: int, size: int = 100) -> list[tuple[str, bytes]]:
    """Return so many members, called as images are, of random bytes that nothing can compress."""
    noise = np.random.default_rng(0)
    return [(f"{folder}/{number}.jpg", noise.bytes(size)) for number in range(count)]
