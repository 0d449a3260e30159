"""The options that say where trainings run: the same for every command that trains, as one value.

Such a command has a parameter ``where``; ``trains`` puts the options in its place, so that Typer
reads them and the command gets what they say together.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from actsearch.durations import parse_duration, write_duration
from actsearch.errors import BadInput

if TYPE_CHECKING:
    from actsearch.workers import Cluster, Where


def _where(
    *,
    workers: Annotated[
        str,
        typer.Option(
            metavar="auto|N|inline",
            help="Trainings at the same time, each in a process of its own; auto: one a CPU core; "
            "inline: one, in the program's own process (for debuggers; a crash ends it).",
        ),
    ] = "auto",
    devices: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda:0,...", help="Where to train.")
    ] = "auto",
    training_limit: Annotated[
        str,
        typer.Option(
            metavar="TIME|auto|none",
            help="End a training that takes longer; auto: many times what others took.",
        ),
    ] = "auto",
    memory_limit: Annotated[
        str,
        typer.Option(
            metavar="SIZE|auto|none",
            help="End a training that takes more memory (800MB, 4GB), with all it starts; auto: "
            "a fair share.",
        ),
    ] = "auto",
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://HOST:PORT|local:N",
            help="Train on a Dask cluster (docs/cluster.md): the address of its scheduler, tls:// "
            "with certificates, or N processes here.",
        ),
    ] = None,
    cluster_wait: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="How long to wait for the first worker of a cluster. [default: 10s]",
        ),
    ] = None,
    cluster_tls: Annotated[
        str | None,
        typer.Option(
            metavar="CA,CERT,KEY",
            envvar="ACTSEARCH_CLUSTER_TLS",
            help="Files for a cluster at tls://; by default what Dask's own settings say.",
        ),
    ] = None,
) -> Where:
    """Return what the options say.

    Raises:
        BadInput: one of them is not accepted, or there are some of a cluster and no address.
    """
    from actsearch.workers import Where

    there = _cluster(cluster, cluster_wait, cluster_tls)
    return Where(workers, devices, training_limit, memory_limit, there)


def _cluster(address: str | None, wait: str | None, tls: str | None) -> Cluster | None:
    if address is None:
        if wait is not None:
            raise BadInput("--cluster-wait says how long to wait for a cluster; name it: --cluster")
        return None
    from actsearch.workers.cluster.address import WAIT_S, Cluster

    # The files may be set for good, by the environment, and mean nothing to another address.
    files = (tls or "").split(",") if address.startswith("tls://") else []
    return Cluster(
        address.strip(),
        WAIT_S if wait is None else parse_duration(wait),
        tuple(Path(file.strip()).expanduser() for file in files if file.strip()),
    )


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of ``function``, whose types are no texts any more."""
    types = get_type_hints(function, localns={"Where": object}, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    return [one.replace(annotation=types[one.name]) for one in parameters]


def trains(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say where to train in place of its parameter ``where``."""
    options = _parameters(_where)
    parameters: list[inspect.Parameter] = []
    for parameter in _parameters(command):
        parameters += options if parameter.name == "where" else [parameter]

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        where = _where(**{option.name: given.pop(option.name) for option in options})
        command(**given, where=where)

    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_options


def said_of(where: Where) -> dict[str, str]:
    """Return the options that say ``where``, by their names, without those that go unsaid."""
    from actsearch.workers import Cluster, Where
    from actsearch.workers.cluster.address import WAIT_S

    usual = Where().options()
    said = {name: str(v) for name, v in where.options().items() if v != usual[name]}
    cluster = where.cluster
    if isinstance(cluster, Cluster):
        if cluster.wait_s != WAIT_S:
            said["cluster_wait"] = write_duration(cluster.wait_s)
        if cluster.tls:
            said["cluster_tls"] = ",".join(map(str, cluster.tls))
    return said
