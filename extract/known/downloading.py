"""A file loaded over HTTP into a part of it, which a later load goes on with.

huggingface_hub does the loading: it tries again, and resumes by ranges. Beside the part stands what
it is a part of: only a server that still has that very file is asked for the rest alone.
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
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import one_line
from oodcache.cache.watch import Watch

MB = 10**6
# What comes in is written in pieces of this size. The library's own, 10 MiB, are lost with a line
# that breaks more often than that.
PIECE = 2**20
OK, PARTIAL, NO_SUCH_RANGE = 200, 206, 416


@dataclass(frozen=True)
class Whole:
    """What a part is a part of: a URL, how many bytes it has, and what tells its versions apart.

    `version` is a strong ETag or else the time of the last change; None where neither is said.
    """

    url: str
    size: int | None
    version: str | None

    @property
    def can_go_on(self) -> bool:
        """Return whether the rest can be asked for alone."""
        return self.size is not None and self.version is not None


def check_library() -> None:
    """Refuse to go on without the library that loads."""
    if find_spec("huggingface_hub") is None:
        raise InputError("fetching needs huggingface_hub: type  pip install 'oodcache[extract]'")


def check_url(url: str) -> None:
    """Refuse what is no address of a web server."""
    try:
        parts = urlsplit(url)
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # Of a port that is no number, or half an IPv6 address.
        is_sound = False
    if not is_sound or not url.isprintable() or " " in url:
        raise InputError(f"{url!r} is no URL: wanted is http://… or https://…")


def download(url: str, part: Path, watch: Watch) -> None:
    """Load all of `url` into `part`, whatever is there of it already; what came stays at an error.

    Raises InputError where the server is not reached, refuses, or breaks off again and again, and
    where there is no room; an OSError of the disk passes.
    """
    whole = _whole(part)
    there = part.stat().st_size if part.exists() else 0
    if (
        whole is None
        or whole.size is None
        or not whole.can_go_on
        or whole.url != url
        or there > whole.size
    ):
        forget(part)
        whole, there = None, 0
    if whole is None or there != whole.size:
        try:
            _load(_Load(url, part, watch, whole), there)
        finally:
            if part.exists() and not part.stat().st_size:
                forget(part)


def forget(part: Path) -> None:
    """Remove a part, and what stands beside it."""
    part.unlink(missing_ok=True)
    _beside(part).unlink(missing_ok=True)


def check_room(folder: Path, needed: int) -> None:
    """Refuse where so many bytes have no room."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder}: {needed / MB:,.1f} MB are needed, and {free / MB:,.1f} MB are free: free "
            "some, or give another --data-root; the same command goes on from what is done"
        )


def _load(load: _Load, there: int) -> None:
    from huggingface_hub.file_download import http_get

    with _told(load), load.part.open("ab") as load.file, _listening(load):
        http_get(
            load.url,
            load.file,
            resume_size=there,
            headers={"Accept-Encoding": "identity"},
            tqdm_class=partial(_Bar, load.watch, load.name),  # type: ignore[arg-type]
        )


@contextmanager
def _told(load: _Load) -> Iterator[None]:
    """Turn what the library raises into one line."""
    from huggingface_hub import errors

    # The HTTP library of the hub's client has had two names.
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
            f"{load.url}: the server answers {code} {reason}: try later, or give another server "
            "with --mirror URL"
        ) from None
    except broken as error:
        raise InputError(_broke(load, one_line(error) or type(error).__name__)) from None
    except RecursionError:  # The library tries again within its last try.
        raise InputError(_broke(load, "broke too often")) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise InputError(_broke(load, "not all of it came")) from None


def _broke(load: _Load, why: str) -> str:
    whole = load.whole
    if whole is None or not load.is_heard:
        return (
            f"{load.url}: cannot be reached: {why}: check the network, or give another server "
            "with --mirror URL"
        )
    of = "" if whole.size is None else f" of {whole.size:,}"
    goes_on = "goes on from there" if whole.can_go_on else "begins again, for this server's sake"
    return (
        f"{load.url}: broke off at {load.part.stat().st_size:,}{of} bytes: {why}; the same "
        f"command {goes_on}"
    )


class _Load:
    """What is asked of a server, and what it says before anything that it sends is written."""

    def __init__(self, url: str, part: Path, watch: Watch, whole: Whole | None) -> None:
        self.url, self.part, self.watch, self.whole = url, part, watch, whole
        self.file: Any = None
        self.name = part.name.removesuffix(".part")
        self.asked, self.is_heard = 0, False

    def asks(self, request: Any) -> None:
        """Ask for a range of no other version than that which is there."""
        if self.asked:
            what = "broke off" if self.is_heard else "no answer"
            self.watch.note(f"{self.name}: {what}: asking again")
        self.asked += 1
        version = None if self.whole is None else self.whole.version
        if version is not None and "Range" in request.headers:
            request.headers["If-Range"] = version

    def hears(self, response: Any) -> None:
        """Note what comes before it does; what is there of another version goes."""
        if response.is_redirect:
            self.asked -= 1
            return
        # A server that says this of .gz would have them unpacked, and ranges are of what is packed.
        response.headers.pop("Content-Encoding", None)
        if response.status_code == OK:
            self.file.truncate(0)
            length = _number(response.headers.get("Content-Length", ""))
            self.whole = Whole(self.url, length, _version(response.headers))
            _beside(self.part).write_text(json.dumps(asdict(self.whole)))
        elif response.status_code == PARTIAL:
            length = _number(response.headers.get("Content-Range", "").rpartition("/")[2])
            if self.whole is not None and length not in (None, self.whole.size):
                raise self.changed()
        else:
            return
        self.is_heard = True
        if self.whole is not None and self.whole.size is not None:
            # Photographs need as much again once they are unpacked.
            check_room(self.part.parent, 2 * self.whole.size - self.part.stat().st_size)

    def changed(self) -> InputError:
        """Return what to say where a server sends the rest of another version, and drop ours."""
        forget(self.part)
        return InputError(
            f"{self.url}: is another file now than that which was begun: the same command loads it"
        )


class _Bar:
    """Our progress, called as the library calls tqdm's; the library may count backwards."""

    def __init__(self, watch: Watch, name: str, *, total: int | None, initial: int, **_: Any):
        self.bytes, self.told = initial, 0
        self.progress = watch.progress(name, (total or 0) // MB, "MB")

    def __enter__(self) -> Self:
        self.advance = self.progress.__enter__()
        self.update(0)
        return self

    def update(self, count: int) -> None:
        """Tell of so many bytes more."""
        self.bytes += count
        self.advance(self.bytes // MB - self.told)
        self.told = self.bytes // MB

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.__exit__(kind, error, trace)


@contextmanager
def _listening(load: _Load) -> Iterator[None]:
    """Let a load hear and be asked, and the library be quiet, and give both back as they were."""
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import logging as hub_logging

    client, level, piece = get_session(), hub_logging.get_verbosity(), constants.DOWNLOAD_CHUNK_SIZE
    before = client.event_hooks
    client.event_hooks = {
        "request": [*before["request"], load.asks],
        "response": [*before["response"], load.hears],
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
    """Return what If-Range takes: a weak ETag may be of another file that means the same."""
    etag = headers.get("ETag", "W/")
    version = headers.get("Last-Modified") if etag.startswith("W/") else etag
    return None if version is None else str(version)


def _beside(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _whole(part: Path) -> Whole | None:
    try:
        return Whole(**json.loads(_beside(part).read_bytes()))
    except (OSError, ValueError, TypeError):  # Not there, or not ours: the part is no use then.
        return None
