"""Jobs on a cluster, through dask.distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomojupyter.batch.jobs import End, Job, do
from tomojupyter.errors import ParameterError
from tomojupyter.steps.checks import warn

if TYPE_CHECKING:
    from collections.abc import Iterator


def run_on(address: str, jobs: list[Job]) -> Iterator[tuple[Job, End | None]]:
    """Do jobs on the workers of a scheduler; these must see the same folders.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    jobs
        What to do.

    Yields
    ------
    tuple of Job and End or None
        None when a job is handed out, and its End.

    Raises
    ------
    ParameterError
        If the package distributed is not installed, or nobody answers at the address.
    """
    client: Any = _connect(address)
    with client:
        threads = client.nthreads().values()
        if any(n > 1 for n in threads):
            warn(
                "workers of the scheduler have several threads, and each thread would do a series: "
                "start them with --nthreads 1 if memory runs short"
            )
        from distributed import as_completed

        futures = {client.submit(do, job, pure=False): job for job in jobs}
        for job in jobs:
            yield job, None
        for future in as_completed(futures, loop=client.loop):
            if future.status == "finished":
                yield futures[future], future.result()
            else:
                yield futures[future], End(f"the cluster gave it up: {future.exception()}")


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ParameterError(
            "--scheduler needs the package distributed: pip install 'tomojupyter[cluster]'"
        ) from error
    try:
        return Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ParameterError(f"no scheduler answers at {address}: {error}") from error
