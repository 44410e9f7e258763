"""Functions that write in place, each on x of shape [2, 3, 4]."""

import torch
from torch import nn


def view_of_what_is_written(x):
    y = x * 2
    flat = y.view(-1)
    y.add_(1)
    return flat * 3, y


def written_through_a_view(x):
    y = x * 2
    y.view(-1).add_(1)
    return y


def two_views_of_one_value(x):
    y = x * 2
    a, b = y.view(6, 4), y.view(24)
    a.mul_(2)
    b.add_(1)
    return y, a, b


def view_of_a_view(x):
    y = x * 2
    y.transpose(0, 1)[1][:, 2:].t()[1].neg_()
    return y


def selected_and_filled(x):
    y = x * 2
    y[:, 0] = 3
    y[1, 2].zero_()
    return y


def slice_assigned(x):
    y = torch.zeros_like(x)
    y[:, 1:, ::2] = x[:, 1:, ::2] * 2
    return y


def slice_added_to(x):
    y = x.clone()
    y[..., 1:3] += x[..., 0:2]
    y[..., -1] -= 1
    return y


def negative_and_open_slices(x):
    y = x * 1
    y[-1:] *= 2
    y[:, :-1] += 1
    y[:, :, 5:] += 100  # empty
    return y


def whole_value_assigned(x):
    y = x * 2
    z = y.view(2, 12)
    y[:] = x
    return z + 1


def copied_with_broadcasting(x):
    y = x * 2
    y.copy_(x[0, 0])
    return y + x


def copied_with_another_type(x):
    y = torch.ones(2, 3, 4, dtype=torch.int64)
    y[0].copy_(x[0] * 10)
    return y


def filled_by_a_tensor(x):
    y = x * 2
    y[0].fill_(x.mean())
    return y


def masked(x):
    y = x * 2
    y.masked_fill_(x > 0, -1)
    y[x < -1] = 7
    return y


def put_at_indices(x):
    y = x * 2
    y[torch.tensor([0, 1]), torch.tensor([2, 0])] = x[0, :2]
    y.index_put_((torch.tensor([1]),), x[:1], accumulate=True)
    return y


def added_copied_and_filled_at_an_index(x):
    y = x * 2
    index = torch.tensor([0, 2])
    y.index_add_(1, index, x[:, :2])
    y.index_copy_(2, index, x[:, :, 1:3])
    y.index_fill_(1, torch.tensor([1]), 5.0)
    return y


def scattered(x):
    y = x * 2
    y.scatter_(2, torch.zeros(2, 3, 1, dtype=torch.int64), 9.0)
    y.scatter_add_(1, torch.ones(2, 1, 4, dtype=torch.int64), x[:, :1])
    return y


def chunks_of_one_value(x):
    y = x * 2
    a, b = y.chunk(2, dim=2)
    a.add_(b)
    b.mul_(a)
    return y


def parts_of_unequal_size(x):
    y = x * 2
    a, b = torch.split(y, [1, 2], dim=1)
    b.relu_()
    a.sub_(1)
    return y, b


def unbound(x):
    y = x * 2
    first, second, third = y.unbind(1)
    second.copy_(first + third)
    return y


def permuted_and_moved(x):
    y = x * 2
    y.permute(2, 0, 1)[0].add_(1)
    y.movedim(2, 0).mul_(x.movedim(2, 0))
    y.swapaxes(0, 2)[1].neg_()
    return y


def diagonal(x):
    y = x[0] * 2
    y.diagonal(offset=1).fill_(4)
    y.t()[0].add_(1)
    return y


def squeezed_and_unsqueezed(x):
    y = (x * 2).unsqueeze(1)
    y.squeeze(1)[0].add_(1)
    y.flatten(2)[:, :, 0] = 8
    y.unflatten(3, (2, 2))[..., 0].neg_()
    return y


def shape_changed_in_place(x):
    y = x[0] * 2
    z = y.view(-1)
    y.t_()
    y.add_(1)
    y.unsqueeze_(0).squeeze_(0).mul_(2)
    return y, z


def detached_in_place(x):
    y = (x * 2).detach_()
    y.add_(1)
    return y


def input_is_written(x):
    x.add_(1)
    x[0] = 0
    return x * 2


def input_is_written_through_a_view(x):
    x.view(-1)[:3].zero_()
    return x


def given_as_out(x):
    y = torch.empty(2, 3, 4)
    torch.add(x, 1, out=y)
    z = y[0]
    torch.mul(x[0], 2, out=z)
    return y


def comparison_keeps_its_type(x):
    y = x * 2
    y.gt_(0.5)
    z = (x * 3).to(torch.float16)
    z.add_(x).logical_not_()
    return y, z


def booleans(x):
    y = x > 0
    y &= x < 1
    y |= x < -1
    return y


def copy_or_view_by_its_layout(x):
    a = x * 2
    a.contiguous().add_(1)  # a itself
    b = x.transpose(1, 2) * 1
    b.transpose(1, 2).reshape(2, 12).add_(1)
    c = (x * 2).transpose(1, 2)
    c.contiguous().add_(1)  # a copy
    c.reshape(-1).add_(1)  # a copy
    a.to(torch.float32).mul_(3)  # a itself
    a.to(torch.float64).mul_(5)  # a copy
    return a, b, c


def dropout_gives_back_what_it_got(x):
    y = x * 2
    z = nn.functional.dropout(y, 0.5, training=False)
    z.add_(1)
    return y


def expanded_after_a_write(x):
    y = x[:, :1] * 2
    wide = y.expand(2, 3, 4)
    y.add_(1)
    return wide


def constant_mask(x):
    mask = x.new_zeros(4, 4)
    count = 0
    for rows in (slice(0, 1), slice(1, 4)):
        for columns in (slice(0, 2), slice(2, 4)):
            mask[rows, columns] = count
            count += 1
    return x @ mask


def no_grad_block(x):
    y = x * 2
    with torch.no_grad():
        y[0].add_(1)
        z = y.view(-1)
    y.mul_(2)
    return z


def literal_is_written(x):
    y = torch.tensor([1.0, 2.0, 3.0, 4.0])
    y[1:3] += x[0, 0, :2]
    return y * x


def random_access_in_a_loop(x):
    y = torch.zeros(2, 3, 4)
    for i in range(3):
        y[:, i] = (y[:, i - 1] if i else x[:, 0]) + x[:, i]
    return y


def not_read_again(x):
    y = x * 2
    y.view(-1).add_(1)
    return x + 1


def dropout_that_does_nothing(x):
    y = x * 2
    return torch.nn.functional.dropout(y, 0.2, training=False, inplace=True) + y


def part_of_a_stack_is_written(x):
    y = torch.stack([x, x + 1], -1)
    y[..., 0].add_(1)
    y[..., 1] *= 3
    return y * 1.0


def stacked_and_then_written(x):
    y = x * 1
    z = torch.stack([y, x], -1)
    y.mul_(5)
    return z[..., 0] * 1


def whole_quotients(x):
    y = torch.arange(4)
    y.floor_divide_(2)
    z = x * 3
    z.floor_divide_(x.abs() + 1)
    return y, z


def memory_that_is_written(x):
    y, z, w = x.new_empty(2, 3, 4), torch.empty_like(x), torch.empty(3, dtype=torch.int64)
    y[..., :2] = x[..., 2:]
    y[..., 2:] = x[..., :2] + 1
    z[:, 1:] = x[:, :-1]
    z[:, 0] = 2
    w.fill_(3)
    return y, z, w
