"""Resumable HTTP downloads.

huggingface_hub does the download, with retries and ranges. A JSON file next to the partial file
records what it is a part of, so that only an unchanged file is resumed.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import one_line
from oodcache.cache.watch import Hint, Watch

MB = 10**6
# Data is written in pieces of this size. The library's own 10 MiB would be lost on connections that
# break more often.
PIECE = 2**20
OK, PARTIAL, NO_SUCH_RANGE = 200, 206, 416


@dataclass(frozen=True)
class Whole:
    """What a partial file is part of: its URL, size and version.

    `version` is a strong ETag or else the time of the last change; None if neither is known.
    """

    url: str
    size: int | None
    version: str | None

    @property
    def can_resume(self) -> bool:
        """Return whether the rest can be requested separately."""
        return self.size is not None and self.version is not None


def check_library() -> None:
    """Raise InputError with the install command if huggingface_hub is missing."""
    if find_spec("huggingface_hub") is None:
        raise InputError("fetching needs huggingface_hub: type  pip install 'oodcache[extract]'")


def check_url(url: str) -> None:
    """Reject what is not an HTTP URL."""
    try:
        parts = urlsplit(url)
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # An invalid port or IPv6 address.
        is_sound = False
    if not is_sound or not url.isprintable() or " " in url:
        raise InputError(f"{url!r} is not a URL: expected http://… or https://…")


def download(url: str, part: Path, watch: Watch) -> None:
    """Download `url` into `part`, resuming it if possible; after an error, `part` is kept.

    Raises InputError if the server cannot be reached, rejects the request or keeps breaking off,
    and if there is no space; OSErrors of the disk pass.
    """
    whole = _whole(part)
    there = part.stat().st_size if part.exists() else 0
    if whole is None or not whole.can_resume or whole.url != url or there > (whole.size or 0):
        forget(part)
        whole, there = None, 0
    if whole is None or there != whole.size:
        try:
            _load(_Load(url, part, watch, whole), there)
        finally:
            if part.exists() and not part.stat().st_size:
                forget(part)


def forget(part: Path) -> None:
    """Remove a partial file and its record."""
    part.unlink(missing_ok=True)
    _record(part).unlink(missing_ok=True)


def check_room(folder: Path, needed: int) -> None:
    """Raise InputError if there is not enough free space."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder}: {needed / MB:,.1f} MB are needed, but {free / MB:,.1f} MB are free: free "
            "some, or give another --data-root; run the same command again to resume"
        )


def _load(load: _Load, there: int) -> None:
    from huggingface_hub.file_download import http_get

    with _explained(load), load.part.open("ab") as load.file, _listening(load):
        http_get(
            load.url,
            load.file,
            resume_size=there,
            headers={"Accept-Encoding": "identity"},
            tqdm_class=partial(_Bar, load.watch, load.name),  # type: ignore[arg-type]
        )


@contextmanager
def _explained(load: _Load) -> Iterator[None]:
    """Turn what the library raises into one line."""
    from huggingface_hub import errors

    # The hub's HTTP library has changed over time.
    broken: type[Exception] = vars(errors)["HTTPError"]
    try:
        yield
    except errors.OfflineModeIsEnabled:
        raise InputError(f"{load.url}: HF_HUB_OFFLINE is set: unset it to fetch") from None
    except errors.HfHubHTTPError as error:
        if error.response.status_code == NO_SUCH_RANGE:
            raise load.changed() from None
        code, reason = error.response.status_code, error.response.reason_phrase
        raise InputError(
            f"{load.url}: the server answered {code} {reason}: try later, or give another server "
            "with --mirror URL"
        ) from None
    except broken as error:
        raise InputError(_broke(load, one_line(error) or type(error).__name__)) from None
    except RecursionError:  # The library retries recursively.
        raise InputError(_broke(load, "the connection broke too often")) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise InputError(_broke(load, "the download is incomplete")) from None


def _broke(load: _Load, why: str) -> str:
    whole = load.whole
    if whole is None or not load.has_answered:
        return (
            f"{load.url}: cannot be reached: {why}: check the network, or give another server "
            "with --mirror URL"
        )
    of = "" if whole.size is None else f" of {whole.size:,}"
    how = "to resume" if whole.can_resume else "to start over (this server cannot resume)"
    return (
        f"{load.url}: interrupted at {load.part.stat().st_size:,}{of} bytes: {why}; run the "
        f"same command again {how}"
    )


class _Load:
    """One download: its requests, and the response headers before any data is written."""

    def __init__(self, url: str, part: Path, watch: Watch, whole: Whole | None) -> None:
        self.url, self.part, self.watch, self.whole = url, part, watch, whole
        self.file: Any = None
        self.name = part.name.removesuffix(".part")
        self.requests, self.has_answered = 0, False

    def on_request(self, request: Any) -> None:
        """Request a range only of the version that was begun."""
        if self.requests:
            what = "connection lost" if self.has_answered else "no answer"
            self.watch.note(Hint(f"{self.name}: {what}: retrying"))
        self.requests += 1
        version = None if self.whole is None else self.whole.version
        if version is not None and "Range" in request.headers:
            request.headers["If-Range"] = version

    def on_response(self, response: Any) -> None:
        """Record what the server sends; discard data of another version."""
        if response.is_redirect:
            self.requests -= 1
            return
        # This header would unpack a .gz, but ranges are of packed bytes.
        response.headers.pop("Content-Encoding", None)
        if response.status_code == OK:
            self.file.truncate(0)
            length = _number(response.headers.get("Content-Length", ""))
            self.whole = Whole(self.url, length, _version(response.headers))
            _record(self.part).write_text(json.dumps(asdict(self.whole)))
        elif response.status_code == PARTIAL:
            length = _number(response.headers.get("Content-Range", "").rpartition("/")[2])
            if self.whole is not None and length not in (None, self.whole.size):
                raise self.changed()
        else:
            return
        self.has_answered = True
        if self.whole is not None and self.whole.size is not None:
            # Unpacked photographs need as much space again.
            check_room(self.part.parent, 2 * self.whole.size - self.part.stat().st_size)

    def changed(self) -> InputError:
        """Return the error for a file that changed on the server, and discard our part."""
        forget(self.part)
        return InputError(
            f"{self.url}: the file changed on the server: run the same command again to start over"
        )


class _Bar:
    """Our progress with tqdm's interface; the library may count backwards."""

    def __init__(self, watch: Watch, name: str, *, total: int | None, initial: int, **_: Any):
        self.bytes, self.told = initial, 0
        self.progress = watch.progress(name, (total or 0) // MB, "MB")

    def __enter__(self) -> Self:
        self.advance = self.progress.__enter__()
        self.update(0)
        return self

    def update(self, count: int) -> None:
        """Report that many more bytes."""
        self.bytes += count
        self.advance(self.bytes // MB - self.told)
        self.told = self.bytes // MB

    def __exit__(self, *error: Any) -> None:
        self.progress.__exit__(*error)


@contextmanager
def _listening(load: _Load) -> Iterator[None]:
    """Hook a download into the library's client and silence its log, and restore both."""
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import logging as hub_logging

    client, level, piece = get_session(), hub_logging.get_verbosity(), constants.DOWNLOAD_CHUNK_SIZE
    before = client.event_hooks
    client.event_hooks = {
        "request": [*before["request"], load.on_request],
        "response": [*before["response"], load.on_response],
    }
    constants.DOWNLOAD_CHUNK_SIZE = PIECE
    hub_logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        client.event_hooks = before
        constants.DOWNLOAD_CHUNK_SIZE = piece
        hub_logging.set_verbosity(level)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None


def _version(headers: Any) -> str | None:
    """Return a version for If-Range, which does not accept a weak ETag."""
    etag = headers.get("ETag", "W/")
    version = headers.get("Last-Modified") if etag.startswith("W/") else etag
    return None if version is None else str(version)


def _record(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _whole(part: Path) -> Whole | None:
    try:
        return Whole(**json.loads(_record(part).read_bytes()))
    except (OSError, ValueError, TypeError):  # Missing or not ours: start over.
        return None
