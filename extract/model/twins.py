"""Twins: models on the hub in transformers' layout, and the same weights as open_clip has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oodcache.cache.json_text import parse_json, read_limited

LARGEST = 10**6  # Bytes of a config.json.
# Source: open_clip's tags "openai" and "webli", and the repositories on the hub that they load.
OPENAI = {
    "clip-vit-base-patch32": ("ViT-B-32", "vit_base_patch32_clip_224"),
    "clip-vit-base-patch16": ("ViT-B-16", "vit_base_patch16_clip_224"),
    "clip-vit-large-patch14": ("ViT-L-14", "vit_large_patch14_clip_224"),
    "clip-vit-large-patch14-336": ("ViT-L-14-336", "vit_large_patch14_clip_336"),
}
GOOGLE = {
    "siglip-base-patch16-224": "ViT-B-16-SigLIP",
    "siglip-base-patch16-256": "ViT-B-16-SigLIP-256",
    "siglip-base-patch16-256-multilingual": "ViT-B-16-SigLIP-i18n-256",
    "siglip-base-patch16-384": "ViT-B-16-SigLIP-384",
    "siglip-base-patch16-512": "ViT-B-16-SigLIP-512",
    "siglip-large-patch16-256": "ViT-L-16-SigLIP-256",
    "siglip-large-patch16-384": "ViT-L-16-SigLIP-384",
    "siglip-so400m-patch14-224": "ViT-SO400M-14-SigLIP",
    "siglip-so400m-patch14-384": "ViT-SO400M-14-SigLIP-384",
    "siglip-so400m-patch16-256-i18n": "ViT-SO400M-16-SigLIP-i18n-256",
    "siglip2-base-patch32-256": "ViT-B-32-SigLIP2-256",
    "siglip2-base-patch16-224": "ViT-B-16-SigLIP2",
    "siglip2-base-patch16-256": "ViT-B-16-SigLIP2-256",
    "siglip2-base-patch16-384": "ViT-B-16-SigLIP2-384",
    "siglip2-base-patch16-512": "ViT-B-16-SigLIP2-512",
    "siglip2-large-patch16-256": "ViT-L-16-SigLIP2-256",
    "siglip2-large-patch16-384": "ViT-L-16-SigLIP2-384",
    "siglip2-large-patch16-512": "ViT-L-16-SigLIP2-512",
    "siglip2-so400m-patch14-224": "ViT-SO400M-14-SigLIP2",
    "siglip2-so400m-patch14-384": "ViT-SO400M-14-SigLIP2-378",
    "siglip2-so400m-patch16-256": "ViT-SO400M-16-SigLIP2-256",
    "siglip2-so400m-patch16-384": "ViT-SO400M-16-SigLIP2-384",
    "siglip2-so400m-patch16-512": "ViT-SO400M-16-SigLIP2-512",
    "siglip2-giant-opt-patch16-256": "ViT-gopt-16-SigLIP2-256",
    "siglip2-giant-opt-patch16-384": "ViT-gopt-16-SigLIP2-384",
}
WIDTHS = {768: "base", 1024: "large", 1152: "so400m"}
OTHERS = (
    "open_clip needs open_clip_config.json, as in the repositories of timm and laion: use one of "
    "those, or extract with transformers and then oodcache cache import"
)


@dataclass(frozen=True)
class Twin:
    """The model `name` (NAME/TAG) of open_clip, and its `repository` on the hub."""

    name: str
    repository: str

    def __str__(self) -> str:
        return f"open_clip's repository of this model is {self.repository}: use --model {self.name}"


def of_repository(repository: str) -> Twin | None:
    """Return the twin of a repository in transformers' layout, None if it is not known.

    >>> str(of_repository("google/siglip-base-patch16-224"))[-55:]
    'timm/ViT-B-16-SigLIP: use --model ViT-B-16-SigLIP/webli'
    """
    owner, _, name = repository.partition("/")
    if owner == "google" and name in GOOGLE:
        return Twin(f"{GOOGLE[name]}/webli", f"timm/{GOOGLE[name]}")
    if owner == "openai" and name in OPENAI:
        architecture, converted = OPENAI[name]
        return Twin(f"{architecture}/openai", f"timm/{converted}.openai")
    return None


def of_folder(folder: Path) -> str | None:
    """Return what to do with a folder in transformers' layout, None if it is not in it."""
    try:
        config: Any = parse_json(read_limited(folder / "config.json", LARGEST).decode())
    except ValueError:
        return None
    kind = config.get("model_type") if isinstance(config, dict) else None
    if not isinstance(kind, str):
        return None
    twin = of_repository(_like(kind, config))
    unless = ", unless its weights are your own" if twin else ""
    return f"its config.json is of transformers ({kind[:40]}): {twin or OTHERS}{unless}"


def _like(kind: str, config: dict[str, Any]) -> str:
    """Return the repository of a folder's model, by its name or by its sizes, "" if unknown."""
    if isinstance(config.get("_name_or_path"), str) and "/" in config["_name_or_path"]:
        return str(config["_name_or_path"])
    vision = config.get("vision_config")
    # What a configuration does not say is transformers' default.
    sizes = {"hidden_size": 768, "patch_size": 32 if kind == "clip" else 16, "image_size": 224}
    sizes |= vision if isinstance(vision, dict) else {}
    width, patch, image = (sizes[name] for name in ("hidden_size", "patch_size", "image_size"))
    size = WIDTHS.get(width) if isinstance(width, int) else None
    if kind == "clip":
        return f"openai/clip-vit-{size}-patch{patch}" + (f"-{image}" if image != 224 else "")
    return f"google/{kind}-{size}-patch{patch}-{image}"
