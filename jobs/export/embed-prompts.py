#!/usr/bin/env python3
"""Embeddings of prompts as .npy files.  embed-prompts.py PIPELINE FOLDER PROMPT... [--negative PROMPT] [--size PIXELS]

    python3 -m venv .venv && .venv/bin/pip install -r jobs/export/requirements.txt
    .venv/bin/python jobs/export/embed-prompts.py PIPELINE embeddings "a lighthouse at dusk" --negative "blurry"
    piadm sample EXPORTED --condition encoder_hidden_states=embeddings/prompt.npy \\
      --condition-null encoder_hidden_states=embeddings/negative.npy --guidance 7.5

PIPELINE, a folder, has `tokenizer/` and `text_encoder/`, and for SDXL
`tokenizer_2/` and `text_encoder_2/` beside them. FOLDER gets `prompt.npy` and `negative.npy`, an
embedding a prompt, and for SDXL also what its network takes beside them: `text_embeds.npy`,
`negative_text_embeds.npy` and `time_ids.npy` (size, crop and target size). One prompt serves all
samples; as many as samples give each its own. Without `--negative`, guidance leads away from the
empty prompt, with SDXL from zeros, as diffusers does. Without PIPELINE's weights, `--tiny` makes random
encoders of SDXL's kind, which need no network and show that the way is open.
"""
import argparse
import pathlib

import numpy as np
import torch
from transformers import AutoTokenizer, CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection


def encoders(pipeline):
    """Tokenizers with their text encoders."""
    for suffix, kind in (("", CLIPTextModel), ("_2", CLIPTextModelWithProjection)):
        if (pipeline / f"text_encoder{suffix}").exists():
            yield (AutoTokenizer.from_pretrained(pipeline / f"tokenizer{suffix}"),
                   kind.from_pretrained(pipeline / f"text_encoder{suffix}").eval())


class Characters:
    """A tokenizer of letters, for the tiny encoders."""

    model_max_length = 16

    def __call__(self, prompts, **_):
        rows = [[1] + [2 + ord(letter) % 90 for letter in prompt][:14] + [0] for prompt in prompts]
        rows = [row + [0] * (self.model_max_length - len(row)) for row in rows]
        return {"input_ids": torch.tensor(rows)}


def tiny():
    torch.manual_seed(0)
    config = CLIPTextConfig(vocab_size=100, hidden_size=16, intermediate_size=32, num_hidden_layers=3,
                            num_attention_heads=2, max_position_embeddings=16, projection_dim=8, eos_token_id=0)
    return [(Characters(), CLIPTextModel(config).eval()), (Characters(), CLIPTextModelWithProjection(config).eval())]


def embed(pairs, prompts):
    """Embeddings, and the pooled one that SDXL adds; None for a single encoder."""
    states, pooled = [], None
    for tokenizer, encoder in pairs:
        tokens = tokenizer(prompts, padding="max_length", max_length=tokenizer.model_max_length, truncation=True,
                           return_tensors="pt")["input_ids"]
        with torch.no_grad():
            output = encoder(tokens, output_hidden_states=True)
        # Stable Diffusion takes the last layer, SDXL the one before it of both encoders.
        states.append(output.last_hidden_state if len(pairs) == 1 else output.hidden_states[-2])
        pooled = output[0] if len(pairs) > 1 else None
    return torch.cat(states, -1).numpy(), None if pooled is None else pooled.numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeline", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("prompts", nargs="+")
    parser.add_argument("--negative", help="what guidance leads away from")
    parser.add_argument("--size", type=int, default=1024, help="pixels of a side, for SDXL")
    parser.add_argument("--tiny", action="store_true", help="random encoders in place of PIPELINE's")
    options = parser.parse_args()
    pairs = tiny() if options.tiny else list(encoders(options.pipeline))
    if not pairs:
        parser.error(f"{options.pipeline} holds no text_encoder/")
    options.folder.mkdir(parents=True, exist_ok=True)
    for prefix, prompts in (("", options.prompts), ("negative_", [options.negative or ""])):
        states, pooled = embed(pairs, prompts)
        if prefix and options.negative is None and pooled is not None:
            states, pooled = np.zeros_like(states), np.zeros_like(pooled)
        # One prompt serves all samples: an array without an axis of samples.
        states, pooled = (a if a is None or len(prompts) > 1 else a[0] for a in (states, pooled))
        np.save(options.folder / ("negative.npy" if prefix else "prompt.npy"), states.astype(np.float32))
        if pooled is not None:
            np.save(options.folder / f"{prefix}text_embeds.npy", pooled.astype(np.float32))
    if len(pairs) > 1:
        np.save(options.folder / "time_ids.npy", np.array([options.size] * 2 + [0, 0] + [options.size] * 2, np.float32))
    print(*sorted(str(path) for path in options.folder.glob("*.npy")), sep="\n")


main()
