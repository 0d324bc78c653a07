"""Model loading by open_clip; settings that open_clip would guess silently are checked."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import open_clip
import torch
from huggingface_hub import hf_hub_download
from open_clip.transform import PreprocessCfg

from oodcache.cache.errors import InputError, first_lines
from oodcache.cache.format.identity import OVERRIDDEN
from oodcache.cache.watch import Note
from oodcache.extract.model import hub, tokenizers
from oodcache.extract.model.encoder import Encoder, Signature, device_of, precision, towers
from oodcache.extract.model.identity import identity
from oodcache.extract.model.names import architectures, configs, twins
from oodcache.extract.model.open_clip import configuration
from oodcache.extract.model.open_clip.weights import checked
from oodcache.extract.model.preprocessing import Normalization, preprocessing
from oodcache.extract.model.request import (
    CONFIG,
    HUB,
    LOCAL_DIR,
    PREPROCESSING,
    TIMM,
    TRANSFORMERS,
    ModelRequest,
    Resolved,
)

OPTIONS = "--image-mean --image-std --image-interpolation --image-resize-mode"


def load(resolved: Resolved, note: Note, *, with_texts: bool = True) -> Encoder:
    """Return the loaded model; raise InputError if it cannot be loaded.

    `with_texts=False` skips the tokenizer, which images do not need.
    """
    if resolved.architecture.startswith(TRANSFORMERS):
        from oodcache.extract.model.transformers import loading  # The import takes seconds.

        return loading.load(resolved, note, with_texts=with_texts)
    request = resolved.request
    if resolved.architecture.startswith(TIMM):
        from oodcache.extract.model import image_only

        return image_only.load(resolved, note)
    device = device_of(request.device)
    # open_clip logs to the root logger, and would configure it if it had no handler.
    logging.getLogger().addHandler(logging.NullHandler())
    if request.config is not None:
        _add_config(request.config)
    config = _model_config(resolved, note)
    _check_preprocessing(resolved, config, note)
    files = hub.of_model(resolved, config, with_texts=with_texts)
    files.fetch(note)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenize = tokenizers.load_tokenizer(resolved, config, files, note) if with_texts else None
        activation = _activation(resolved, config, note)
        model = _created(resolved, activation, device, note)
    configuration = _preprocessing_of(model)
    prepared = preprocessing(configuration, fast_decode=request.fast_decode, exif=request.exif)
    signature = Signature(
        identity=identity(resolved, {**config, **activation}, model.state_dict(), note),
        precision=precision(request, device),
        preprocessing=json.loads(
            json.dumps(
                {
                    **asdict(configuration),
                    "decoder": prepared.decoder,
                    **({"exif": True} if prepared.exif else {}),
                    OVERRIDDEN: sorted(request.preprocessing),
                }
            )
        ),
        tokenizing=tokenizers.tokenizing(tokenize, config) if with_texts else {},
        places=resolved.places,
    )
    return Encoder(
        model,
        signature,
        device,
        prepared,
        Normalization(prepared, device),
        tokenize,
        towers(model, channels_last=request.channels_last, compiled=request.compile),
    )


def _preprocessing_of(model: Any) -> PreprocessCfg:
    """Return a built model's preprocessing; open_clip expects a tuple where JSON has a list."""
    found = dict(model.visual.preprocess_cfg)
    if isinstance(found["size"], list):
        found["size"] = tuple(found["size"])
    return PreprocessCfg(**found)


def _add_config(path: Path) -> None:
    what = f"--model-config {path}"
    configuration.check(configs.read(path, what), what)
    open_clip.add_model_config(path)


def _model_config(resolved: Resolved, note: Note) -> dict[str, Any]:
    """Return the architecture's configuration, checked.

    Raises InputError with similar names if it is unknown.
    """
    name, requested = resolved.architecture, resolved.request.requested
    if name.startswith(HUB):
        if twins.is_of_transformers(repository := name.removeprefix(HUB)):
            raise InputError(
                f"--model {requested}: is in transformers' layout: use --model "
                f"{TRANSFORMERS}{repository}, or the same weights of open_clip: --model "
                f"{twins.of_repository(repository)}"
            )
        hub.of_repository(resolved).fetch(note, only=1)
    if (path := _config_file(resolved)) is not None:
        what = str(path) if name.startswith(LOCAL_DIR) else f"--model {requested}: {CONFIG}"
        whole = configs.read(path, what)
        if not isinstance(whole.get("model_cfg"), dict):
            raise InputError(f"{what}: lacks model_cfg, an object with the architecture")
        configuration.check(whole["model_cfg"], what)
        configuration.check_preprocessing(whole.get("preprocess_cfg"), what)
        return dict(whole["model_cfg"])
    _check_known(name, resolved.tag, resolved.request)
    return dict(open_clip.get_model_config(name))


def _config_file(resolved: Resolved) -> Path | None:
    """Return where a folder or a fetched repository has its configuration, None for a name."""
    name = resolved.architecture
    if name.startswith(HUB):
        return Path(hf_hub_download(name.removeprefix(HUB), CONFIG))
    return Path(name.removeprefix(LOCAL_DIR)) / CONFIG if name.startswith(LOCAL_DIR) else None


def _check_known(name: str, tag: str | None, request: ModelRequest) -> None:
    known = open_clip.list_models()
    if name not in known:
        near = architectures.nearest(name, known)
        question = f"; did you mean {' or '.join(near)}?" if near else ""
        raise InputError(
            f"--model {request.requested}: open_clip has no model {name!r}{question} "
            "(for your own architecture: --model-config FILE.json)"
        )
    if request.checkpoint is not None:
        return
    tags = open_clip.list_pretrained_tags_by_model(name)
    if tag not in tags:
        near = get_close_matches(str(tag), tags, n=3) or tags[:5]
        raise InputError(
            f"--model {request.requested}: {name} has no weights {tag!r}; did you mean "
            f"{' or '.join(f'{name}/{one}' for one in near) or 'to give --checkpoint FILE'}?"
        )


def _check_preprocessing(resolved: Resolved, config: Mapping[str, Any], note: Note) -> None:
    """Raise InputError if a SigLIP's weights do not specify their preprocessing.

    open_clip would silently use OpenAI's, which is wrong for every SigLIP.
    """
    given = resolved.request.preprocessing
    if all(key in given for key in PREPROCESSING) or _brings_preprocessing(resolved):
        return
    where = resolved.request.checkpoint or resolved.request.requested
    if config.get("init_logit_bias") is not None:
        raise InputError(
            f"{where}: specifies no preprocessing, and this architecture has a bias (SigLIP's "
            f"differs from CLIP's): give {OPTIONS}, or a local-dir: with preprocess_cfg"
        )
    default = asdict(PreprocessCfg())
    used = ", ".join(f"{key} {default[key]}" for key in PREPROCESSING if key not in given)
    note(f"{where}: specifies no preprocessing; OpenAI's is used ({used})")


def _brings_preprocessing(resolved: Resolved) -> bool:
    """Return whether a tag, a folder or a hub repository specifies its preprocessing."""
    if (path := _config_file(resolved)) is None:
        return resolved.request.checkpoint is None
    return bool(json.loads(path.read_text()).get("preprocess_cfg"))


def _activation(resolved: Resolved, config: Mapping[str, Any], note: Note) -> dict[str, bool]:
    """Return the activation that a tag's weights were trained with, if it differs.

    open_clip only warns, and computes wrong vectors.
    """
    if resolved.tag is None or resolved.request.checkpoint is not None:
        return {}
    trained = open_clip.get_pretrained_cfg(resolved.architecture, resolved.tag)
    quick = bool(trained.get("quick_gelu", False))
    if quick == bool(config.get("quick_gelu", False)):
        return {}
    note(
        f"{resolved.label}: trained with {'quick GELU' if quick else 'GELU'}, which replaces the "
        "architecture's default"
    )
    return {"quick_gelu": quick}


def _created(
    resolved: Resolved, activation: Mapping[str, bool], device: torch.device, note: Note
) -> Any:
    """Return the model on its device; raise InputError whatever the library raises."""
    try:
        with checked(resolved, note):
            model = open_clip.create_model(
                resolved.architecture,
                pretrained=resolved.tag,
                require_pretrained=True,
                force_preprocess_cfg=dict(resolved.request.preprocessing),
                **activation,
            )
        return model.to(device).eval()
    except InputError:
        raise
    except Exception as error:  # An untrusted file or the network: report any failure.
        what = resolved.weights_file or resolved.request.requested
        raise InputError(f"{what}: cannot be loaded: {first_lines(error)}") from error
