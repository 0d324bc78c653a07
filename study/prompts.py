"""Prompt templates looked up in a cached vocabulary, as its model's tokenizer reads them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from oodcache.cache.files.negatives import CSP, Negatives
from oodcache.cache.files.texts import TextFile, TextRows
from oodcache.score.words.mining import cleaning
from oodcache.score.words.negatives import ADJECTIVE
from oodcache.study.published import OPENAI, templates

# A class name that no tokenizer's clean-up changes.
WORD = "placeholder"


def found(texts: TextFile | TextRows, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return, for each wanted template, the stored one that the tokenizer reads alike, or "".

    CLIP's ignores case; SigLIP's also drops punctuation. An identical template is preferred, then
    the first.
    """
    clean, stored = cleaning(texts.identity.encoding), texts.vocabulary.templates

    def read(template: str) -> str:
        return clean(template.replace("{}", WORD))

    by_reading = {read(one): one for one in reversed(stored)}
    return tuple(one if one in stored else by_reading.get(read(one), "") for one in wanted)


def remining(mined: Negatives, texts: TextFile | TextRows, template: str) -> str:
    """Return the commands that mine negatives again with the classes and word lists in a template.

    The lists get new names: another template would change those that negatives were mined from.
    Adjectives keep their prompt, with the template's full stop.
    """
    model, stop = shlex.quote(texts.identity.model.requested), "." * template.endswith(".")
    commands, words = [], []
    for one in mined.lists:
        is_adjective = one.template.rstrip(".") == ADJECTIVE
        own = shlex.quote(f"{ADJECTIVE}{stop}" if is_adjective else template)
        name = f"{one.vocabulary}-again"
        source = "csp:FILE" if one.role == CSP else "FILE"
        commands.append(
            f"oodcache extract --model {model} --classes {name}={source} --template {own}"
        )
        words.append(f"--{'csp' if one.role == CSP else 'words'} {name}")
    near = f" --nearest {mined.nearest}" if mined.nearest else ""
    commands.append(
        f"oodcache negatives --model {model} --classes {mined.classes} {' '.join(words)} "
        f"--template {shlex.quote(template)} --keep {mined.keep}{near} -o {mined.name}-again"
    )
    return f"to mine in it: {' && '.join(commands)}"


def extraction(texts: TextFile | TextRows, template: str) -> str:
    """Return the command that extracts a vocabulary again with one more template."""
    stored, every = texts.vocabulary.templates, templates(OPENAI)
    is_whole = {*every} <= {*stored}
    others = [one for one in stored if not (is_whole and one in every)]
    typed = dict.fromkeys([*([OPENAI] if is_whole else []), *others, template])
    options = " ".join(f"--template {shlex.quote(one)}" for one in typed)
    model = shlex.quote(texts.identity.model.requested)
    return f"oodcache extract --model {model} --classes {texts.path.stem} {options} --overwrite"
