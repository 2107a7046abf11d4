#!/usr/bin/env python3
"""The loss of mixed images and its gradient by PyTorch, as Java arrays for MixedLossTest.

    python scripts/make-mixup-fixture.py

Prints the sum of `cross_entropy` of logits with soft targets (0.3 of one class, 0.7 of another), and the gradient of 0.5 times this sum, in double precision. Made
with torch 2.13; needs neither network nor GPU.
"""

import torch
from torch.nn.functional import cross_entropy, one_hot

SHARE = 0.3
SCALE = 0.5
LOGITS = [[0.5, -1.25, 2.0, 0.75], [-0.5, 3.0, 0.25, -2.0], [1.5, 1.0, -0.75, 0.125]]
OWN = [2, 0, 3]
OTHERS = [0, 3, 3]

logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
own, others = (one_hot(torch.tensor(c), 4).double() for c in (OWN, OTHERS))
loss = cross_entropy(logits, SHARE * own + (1 - SHARE) * others, reduction="sum")
(SCALE * loss).backward()
print("loss", repr(loss.item()))
for row in logits.grad.tolist():
    print(", ".join(repr(v) for v in row) + ",")
