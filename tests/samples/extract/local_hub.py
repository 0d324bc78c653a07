"""A hub on this machine: folders served to the hub's own client, and what it asked for."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789" * 4


@dataclass(frozen=True)
class LocalHub:
    """Where it listens, and the files that it was asked for, as REPOSITORY/FILE."""

    endpoint: str
    asked: list[str] = field(default_factory=list)


def handler(folders: Mapping[str, Path], asked: list[str]) -> type[BaseHTTPRequestHandler]:
    """Return what answers for repositories, each the content of a folder."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_content=False)

        def do_GET(self) -> None:
            self.answer(with_content=True)

        def answer(self, *, with_content: bool) -> None:
            parts = self.path.partition("?")[0].removeprefix("/api/models").strip("/").split("/")
            folder = folders.get("/".join(parts[:2]))
            if folder is None:
                self.refuse("RepoNotFound")
            elif parts[2:3] in ([], ["revision"], ["tree"]):
                self.list(folder, "/".join(parts[:2]), as_tree=parts[2:3] == ["tree"])
            else:
                asked.append("/".join((*parts[:2], *parts[4:])))
                self.send(folder / "/".join(parts[4:]), with_content=with_content)

        def refuse(self, code: str) -> None:
            self.send_response(404)
            self.send_header("X-Error-Code", code)
            if code == "EntryNotFound":  # The client remembers what this commit lacks.
                self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def list(self, folder: Path, name: str, *, as_tree: bool) -> None:
            files = sorted(path for path in folder.iterdir() if path.is_file())
            siblings = [{"rfilename": path.name} for path in files]
            tree = [
                {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": etag(path)}
                for path in files
            ]
            info = {"id": name, "sha": COMMIT, "siblings": siblings}
            content = json.dumps(tree if as_tree else info).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def send(self, path: Path, *, with_content: bool) -> None:
            if not path.is_file():
                self.refuse("EntryNotFound")
                return
            self.send_response(200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{etag(path)}"')
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            if with_content:
                with path.open("rb") as file:
                    shutil.copyfileobj(file, self.wfile, 1 << 20)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


def place(cache: Path, repository: str, folder: Path) -> None:
    """Put a folder where the hub's client keeps what it has fetched of org/name."""
    kept = cache / f"models--{repository.replace('/', '--')}"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text(COMMIT)
    shutil.copytree(folder, kept / "snapshots" / COMMIT)


def etag(path: Path) -> str:
    return hashlib.sha1(f"{path.name} {path.stat().st_size}".encode()).hexdigest()


@contextmanager
def local_hub(folders: Mapping[str, Path]) -> Iterator[LocalHub]:
    """Serve folders as repositories, org/name, for as long as the context lasts."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(folders, asked))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield LocalHub(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
