#!/usr/bin/env python3
"""A diffusers pipeline as a folder that piadm samples.  from-diffusers.py FOLDER [PIPELINE]

    python3 -m venv .venv && .venv/bin/pip install -r jobs/export/requirements.txt
    .venv/bin/python jobs/export/from-diffusers.py results/exported google/ddpm-cifar10-32
    piadm sample results/exported --method ddpm --steps 1000 --window 64 --images samples.png

PIPELINE, a folder or a name on the hub, is an unconditional pipeline (its
`unet` a UNet2DModel); without it a tiny one of random weights is made, which
needs no network and shows that the way is open. Weights go to a file of their
own beside the network. Exits 1 where the exported network and the UNet differ.
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from diffusers import DDPMPipeline, DDPMScheduler, DiffusionPipeline, UNet2DModel


def tiny():
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=8)
    return DDPMPipeline(unet, DDPMScheduler(num_train_timesteps=1000, clip_sample=False))


class Prediction(torch.nn.Module):
    """The UNet with its result as a tensor."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep):
        return self.unet(sample, timestep).sample


def main(folder, pipeline):
    unet = pipeline.unet.eval()
    size = unet.config.sample_size
    shape = (unet.config.in_channels, *((size, size) if isinstance(size, int) else size))
    network, file = Prediction(unet), folder / "unet" / "model.onnx"
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        network, (torch.zeros(2, *shape), torch.zeros(2, dtype=torch.int64)), file, dynamo=False, opset_version=17,
        input_names=["sample", "timestep"], output_names=["out_sample"],
        dynamic_axes={name: {0: "batch"} for name in ["sample", "timestep", "out_sample"]})
    model = onnx.load(file)
    (file.parent / "weights.bin").unlink(missing_ok=True)
    onnx.save_model(model, file, save_as_external_data=True, location="weights.bin", size_threshold=1024)
    pipeline.scheduler.save_config(folder / "scheduler")

    sample, timestep = torch.randn(4, *shape), torch.tensor([0, 10, 400, 999])
    with torch.no_grad():
        expected = network(sample, timestep).numpy()
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    found, = session.run(None, {"sample": sample.numpy(), "timestep": timestep.numpy()})
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    print(f"{file}: differs from the UNet by {difference:.1e} of the largest value")
    # Single precision, summed in another order.
    if not difference < 1e-4:
        sys.exit(f"{file}: is not what the UNet computes")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), DiffusionPipeline.from_pretrained(sys.argv[2]) if len(sys.argv) > 2 else tiny())
