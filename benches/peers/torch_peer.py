"""PyTorch on one thread: the gradient by hand, without autograd, in buffers that are used again."""

import work

work.one_thread()

import numpy as np  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)
torch.set_grad_enabled(False)
DATA = {}


def prepare(request):
    x, y = work.rows(request["n"], request["d"])
    DATA.update(x=torch.from_numpy(x), y=torch.from_numpy(y), order=None)
    if request["batch"] > 0:
        order = torch.from_numpy(np.fromfile(request["order"], "<u4").astype(np.int64))
        DATA["order"] = order.split(request["batch"])


def run(request, n_steps):
    if request["batch"] > 0:
        return batches(request["rate"], n_steps)
    x, y = DATA["x"], DATA["y"]
    n, d = x.shape
    w, b, g, r = torch.zeros(d), torch.zeros(()), torch.empty(d), torch.empty(n)
    transposed = x.t()
    loss = torch.zeros(())
    for _ in range(n_steps):
        torch.mv(x, w, out=r)
        r.add_(b).sub_(y)
        loss = torch.dot(r, r).div_(n)
        torch.mv(transposed, r, out=g)
        w.sub_(g, alpha=2 * request["rate"] / n)
        b.sub_(r.sum(), alpha=2 * request["rate"] / n)
    return loss


def batches(rate, n_steps):
    """Batches of the order that was given: what shuffling costs is not counted."""
    x, y = DATA["x"], DATA["y"]
    d = x.shape[1]
    w, b, g = torch.zeros(d), torch.zeros(()), torch.empty(d)
    longest = len(DATA["order"][0])
    all_x, all_y, all_r = torch.empty(longest, d), torch.empty(longest), torch.empty(longest)
    done, loss = 0, torch.zeros(())
    while done < n_steps:
        for index in DATA["order"][: n_steps - done]:
            m = len(index)
            xb, yb, r = (all_x, all_y, all_r) if m == longest else (all_x[:m], all_y[:m], all_r[:m])
            torch.index_select(x, 0, index, out=xb)
            torch.index_select(y, 0, index, out=yb)
            torch.mv(xb, w, out=r)
            r.add_(b).sub_(yb)
            loss = torch.dot(r, r).div_(m)
            torch.mv(xb.t(), r, out=g)
            w.sub_(g, alpha=2 * rate / m)
            b.sub_(r.sum(), alpha=2 * rate / m)
            done += 1
    return loss


work.serve(["torch"], prepare, run)
