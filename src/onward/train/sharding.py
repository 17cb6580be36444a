"""A model cut into shards, one a process: PyTorch's FSDP2. Each process keeps its part of every weight, gradient and moment, and a block's
whole weights exist only while that block is at work.

Sources: ZeRO, stage 3 (Rajbhandari et al. 2019, arXiv 1910.02054); FSDP (Zhao et al. 2023, arXiv 2304.11277). Every tensor is cut along
its first dimension. Communication is torch's own. Left out: tensor, pipeline and expert parallelism. Imported only where there are
several processes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, Shard

from onward.errors import ConfigError
from onward.model.trunk import LanguageModel
from onward.train import processes


def shard(model: LanguageModel, device: str, precision: str) -> LanguageModel:
    """Cut the model, in place: every block by itself, then the rest. Each process must hold the same weights before.

    Gradients are added up over the processes, not averaged: the training loop weighs each pass by its share of the whole batch.
    """
    processes.group()
    kind = torch.device(device).type
    if kind == "cpu":  # gloo has no all-to-all: torch gathers and cuts instead, and would say so in each process
        logging.getLogger("torch.distributed.tensor._collective_utils").setLevel(logging.ERROR)
    if kind == "cuda" and processes.on_this_machine() > torch.cuda.device_count():
        raise ConfigError(
            f"{processes.on_this_machine()} processes on a machine with {torch.cuda.device_count()} CUDA cards. "
            "Each needs one: lower --nproc-per-node."
        )
    mesh = init_device_mesh(kind, (processes.count(),), mesh_dim_names=("shard",))
    policy = _mixed(precision)
    for module in (*model.trunk.blocks, model):
        fully_shard(module, mesh=mesh, mp_policy=policy)
        assert isinstance(module, FSDPModule)
        module.set_gradient_divide_factor(1.0)
        module.set_force_sum_reduction_for_comms(True)  # a plain sum: gloo has no other, NCCL needs none
    register_fsdp_forward_method(model, "hidden")  # objectives begin there, to make the logits a few at a time
    return model


def _mixed(precision: str) -> MixedPrecisionPolicy:
    """bf16 weights where they are gathered and multiplied, fp32 where they are kept and where gradients are added up.

    What goes into a block is not cast: the angles of the positions must stay in fp32.
    """
    if precision != "bf16":
        return MixedPrecisionPolicy()
    return MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32, cast_forward_inputs=False)


def over_whole(function: Callable[[Tensor], Tensor], matrices: Sequence[Tensor]) -> list[Tensor]:
    """`function` of a stack of whole matrices (N, rows, columns) of one shape, where each process holds some rows of every matrix.

    Each process gets its share of the matrices whole, so that none is worked on twice: rows are exchanged for matrices, and back.
    Returns this process's rows of each result, cut as the matrices are.
    """
    first = matrices[0]
    assert isinstance(first, DTensor)
    mesh, shape = first.device_mesh, torch.Size((len(matrices), *first.shape))
    stride = (shape[1] * shape[2], shape[2], 1)

    def cut(local: Tensor, dimension: int) -> DTensor:
        return DTensor.from_local(local, mesh, [Shard(dimension)], shape=shape, stride=stride, run_check=False)

    rows = cut(torch.stack([local(matrix) for matrix in matrices]), 1)
    mine = rows.redistribute(placements=[Shard(0)]).to_local()
    done = cut(function(mine).contiguous(), 0).redistribute(placements=[Shard(1)])
    return list(done.to_local().unbind())


def local(tensor: Tensor) -> Tensor:
    """This process's part of a tensor; in-place changes of it change the tensor."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """A tensor with the parts of all processes, which must all ask for it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def gathered(model: LanguageModel) -> LanguageModel | None:
    """The whole model in the first process's main memory, tensor by tensor; None in the others."""
    state: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        full = whole(tensor)
        if processes.is_first():
            state[name] = full.cpu()
    if not processes.is_first():
        return None
    with torch.device("meta"):
        fresh = LanguageModel(model.config)
    fresh.load_state_dict(state, assign=True)
    return fresh


def clipped(model: nn.Module, largest: float) -> Tensor:
    """Clip the gradient of all processes together. Returns its norm."""
    return whole(torch.nn.utils.clip_grad_norm_(model.parameters(), largest))
