"""The zoo's tests run on one thread: two busy ones on small machines wait for each other."""

import torch

torch.set_num_threads(1)
