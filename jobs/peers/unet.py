#!/usr/bin/env python3
"""Trains a small convolutional U-Net of diffusers on the digits.  unet.py FOLDER [STEPS]

    .venv/bin/pip install -r jobs/peers/requirements.txt
    .venv/bin/python jobs/peers/unet.py results/unet-pipeline
    .venv/bin/python jobs/export/from-diffusers.py results/unet results/unet-pipeline
    piadm sample results/unet --method ddpm --steps 1000 --window 16

For the same images, a row of this network costs about ten times as much as a row of
the built-in network. FOLDER becomes a pipeline in the layout of diffusers. The
default of 3000 steps takes some minutes.
"""
import copy
import sys

import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
from sklearn.datasets import load_digits


def train(steps, batch=128):
    torch.manual_seed(0)
    images = torch.tensor(load_digits().images / 8 - 1, dtype=torch.float32)[:, None]
    scheduler = DDPMScheduler(num_train_timesteps=1000, clip_sample=False)
    unet = UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, layers_per_block=1, block_out_channels=(32, 64), norm_num_groups=8,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=16)
    average = copy.deepcopy(unet).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(unet.parameters(), lr=1e-3)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(1, steps + 1):
        clean = images[torch.randint(0, len(images), (batch,))]
        noise, times = torch.randn_like(clean), torch.randint(0, 1000, (batch,))
        loss = (unet(scheduler.add_noise(clean, noise, times), times).sample - noise).square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        rates.step()
        with torch.no_grad():
            for mean, value in zip(average.parameters(), unet.parameters()):
                mean.lerp_(value, 1 - min(0.999, step / (step + 10)))
        if step % 500 == 0:
            print(f"step {step}: error {loss.item():.4f}", flush=True)
    return DDPMPipeline(average, scheduler)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    train(int(sys.argv[2]) if len(sys.argv) > 2 else 3000).save_pretrained(sys.argv[1])
