"""A PyTorch module as it is, without export: piadm sample plugin:jobs/plugins/torch_model.py[:WEIGHTS.pt]

Put your module in place of `Network`. `scheduler` is the schedule it was
trained with, as diffusers writes scheduler_config.json; with it the program
hands `predict` what it hands an exported network, many rows at a time.
`conditions` names further inputs with the shape of a row:

    piadm sample plugin:jobs/plugins/torch_model.py --samples 4 --condition label=labels.npy
    piadm sample plugin:jobs/plugins/torch_model.py --samples 4 --condition label=labels.npy \
        --guidance 2 --condition-null label=zeros.npy

labels.npy is one row for all samples, [3], or one a sample, [4, 3].

`threads` is a number of its own choice and not that of a rank's processors:
the last bits of a result may depend on it, and should not depend on the ranks.
The interpreter is that of PIADM_PYTHON, of the active virtual environment, or
python3; it needs numpy and torch.
"""
import torch
from torch import nn


class Network(nn.Module):
    """A convolution of a picture, its timestep and a label; random weights."""

    def __init__(self, width=16):
        super().__init__()
        self.enter = nn.Conv2d(1, width, 3, padding=1)
        self.time = nn.Embedding(1000, width)
        self.label = nn.Linear(3, width)
        self.leave = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, sample, timestep, label):
        h = self.enter(sample) + (self.time(timestep) + self.label(label))[:, :, None, None]
        return sample + 0.1 * self.leave(nn.functional.silu(h))


class Model:
    shape = (1, 8, 8)
    conditions = {"label": (3,)}
    threads = 1
    #: Calls are filled up to a multiple of these rows: products of matrices round the rows that are left over otherwise.
    row_multiple = 8
    timestep_type = "int64"
    scheduler = {
        "_class_name": "DDPMScheduler", "num_train_timesteps": 1000, "beta_schedule": "linear", "beta_start": 1e-4,
        "beta_end": 0.02, "prediction_type": "epsilon", "clip_sample": False,
    }

    def __init__(self, config):
        torch.manual_seed(0)
        self.network = Network().eval()
        if config:
            self.network.load_state_dict(torch.load(config, weights_only=True))

    @torch.no_grad()
    def predict(self, sample, timestep, label):
        """sample [rows, 1, 8, 8], timestep [rows], label [rows, 3] -> noise [rows, 1, 8, 8]."""
        return self.network(torch.from_numpy(sample).float(), torch.from_numpy(timestep), torch.from_numpy(label).float())
