"""Classes that no score can tell apart, because their vectors are equal."""

from __future__ import annotations

from collections.abc import Sequence

from oodcache.cache.files import alike
from oodcache.cache.watch import Note
from oodcache.score.inputs.selection import Prompted


def tell(prompts: Sequence[Prompted], note: Note) -> None:
    """Note how many classes share their vector with another, under the first such prompt."""
    found = [
        (one, same) for one in prompts if (same := alike.among(one.vectors, one.names, one.ids))
    ]
    if not found:
        return
    prompt, same = found[0]
    of_prompt = "" if len(found) == len(prompts) else f", prompt {prompt.template!r}"
    note(f"classes {prompt.vocabulary}{of_prompt}: {same}")
