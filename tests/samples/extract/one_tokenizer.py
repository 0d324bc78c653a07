"""CLIP's tokenizer, built and hashed once a process: most of the time of loading a small model."""

from __future__ import annotations

import sys
from typing import Any

Values = dict[str, Any]


def share_tokenizer() -> None:
    """Let tokenizers of open_clip that are made alike share their tables, which nothing changes.

    It does nothing before both modules are imported, nor a second time. What open_clip caches of
    words, and its settings, stay each tokenizer's own.
    """
    library, ours = map(
        sys.modules.get, ("open_clip.tokenizer", "oodcache.extract.model.tokenizers")
    )
    if library is None or ours is None or ours._sha256.__name__ == "quick_hash":
        return
    build, hashed = library.SimpleTokenizer.__init__, ours._sha256
    built, hashes = dict[str, Values](), dict[int, str]()

    def quick_build(self: Any, *given: Any, **options: Any) -> None:
        made = repr((given, sorted(options.items())))
        if made not in built:
            build(self, *given, **options)
            built[made] = {**vars(self), "cache": dict(self.cache)}
        vars(self).update(built[made], cache=dict(built[made]["cache"]))

    def quick_hash(tokenize: Any) -> str:
        table = getattr(tokenize, "encoder", None)
        if not any(table is values["encoder"] for values in built.values()):
            return hashed(tokenize)
        if id(table) not in hashes:
            hashes[id(table)] = hashed(tokenize)
        return hashes[id(table)]

    library.SimpleTokenizer.__init__ = quick_build
    ours._sha256 = quick_hash
