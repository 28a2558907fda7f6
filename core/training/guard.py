"""Which layer gives the first value that is not finite."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from ..errors import TrainingError
from ..finite import all_finite


def not_finite(model: nn.Module, loss: Callable[[], Tensor], step: int) -> TrainingError:
    """The error for a step whose loss or gradient was not finite; computes the step once more to find the layer.

    Args:
        model: in training.
        loss: computes the loss of that step, with the noise that it had.
        step: its number.
    """
    return TrainingError(
        f"training broke down at step {step}: a value is not finite",
        got=_first_bad(model, loss),
        expected="finite weights, activations, losses and gradients",
        hint="lower training.learning_rate or training.clip, or set training.precision to float32; the checkpoint "
        "holds the weights before this step, so that --resume goes on from there",
    )


def _first_bad(model: nn.Module, loss: Callable[[], Tensor]) -> str:
    for name, parameter in model.named_parameters():
        if not all_finite(parameter):
            return f"the weight {name}"
    order: list[str] = []
    bad: list[str] = []
    handles = [
        layer.register_forward_hook(_watch(name, order, bad))
        for name, layer in model.named_modules()
        if next(layer.children(), None) is None
    ]
    try:
        model.zero_grad(set_to_none=True)
        value = loss()
    finally:
        for handle in handles:
            handle.remove()
    if bad:
        return f"the output of layer {bad[0]}"
    if not all_finite(value):
        return "the loss, from finite outputs of all layers"
    value.backward()  # type: ignore[no-untyped-call]
    return _first_bad_gradient(model, order)


def _first_bad_gradient(model: nn.Module, order: list[str]) -> str:
    """The layer that the backward pass, which runs from the last layer to the first, reaches first."""
    place = {name: index for index, name in enumerate(order)}
    bad = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and not all_finite(parameter.grad)
    ]
    if not bad:
        return "nothing when the step was computed again; weights have changed since"
    return f"the gradient of {max(bad, key=lambda name: place.get(name.rpartition('.')[0], -1))}"


def _watch(name: str, order: list[str], bad: list[str]) -> Callable[[nn.Module, object, object], None]:
    def look(layer: nn.Module, inputs: object, output: object) -> None:
        order.append(name)
        if isinstance(output, Tensor) and not all_finite(output):
            bad.append(name)

    return look
