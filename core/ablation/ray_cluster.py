"""A connection to a Ray cluster: one that runs, or one of this machine for as long as a study takes."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from ..errors import PlicError, missing_package

LOCAL = "local"
"""Address of a cluster that is started on this machine."""
_QUIET = {
    # each run tells itself that its worker was lost; Ray reads this when it is imported, so that whoever has imported
    # it before still sees the line
    "RAY_DEDUP_LOGS_SKIP_REGEX": "^A worker died or was killed while executing a task",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a warning; without GPUs asked for, cells are given the CPU
}


def check_ray() -> None:
    """Whether Ray is there, without importing it.

    Raises:
        PluginError: it is not installed.
    """
    try:
        found = find_spec("ray") is not None
    except ValueError:  # something has put an entry without a spec into sys.modules
        found = False
    if not found:
        raise missing_package("--engine ray needs Ray", "ray")


@contextmanager
def cluster(address: str | None) -> Iterator[bool]:
    """Be connected to a cluster, and leave it again; a connection that exists already is used and left as it is.

    Args:
        address: as `ray.init` takes it; by default ``RAY_ADDRESS``, and without that a cluster of this machine, which
            is started and stopped here.

    Yields:
        Whether nodes may join later: the cluster was not started here.

    Raises:
        PlicError: there is no cluster at the address, or none can be started.
    """
    address = address or os.environ.get("RAY_ADDRESS") or LOCAL
    own: dict[str, Any] = {"include_dashboard": False} if address == LOCAL else {}
    quiet = _QUIET if own else {}
    with _environment(quiet):
        import ray
    if ray.is_initialized():
        yield True
        return
    try:
        with _environment(quiet):
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise PlicError(
            "no connection to a Ray cluster",
            got=f"{address}: {lines[0]}",
            expected="the address of a cluster that runs, with the same Ray and Python",
            hint="'ray start --head' begins one and prints its address; 'local' is a cluster of this machine",
        ) from error
    try:
        yield address != LOCAL
    finally:
        ray.shutdown()


def fits(cpus: float, gpus: float) -> bool:
    """Whether a node that lives could carry out a task that asks for so much, if nobody else asked for anything."""
    import ray

    return any(
        node["Alive"] and node["Resources"].get("CPU", 0) >= cpus and node["Resources"].get("GPU", 0) >= gpus
        for node in ray.nodes()
    )


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """With environment variables where they are not set: the processes of a cluster inherit them."""
    added = {key: value for key, value in changes.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)
