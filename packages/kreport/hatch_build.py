"""Puts the program kreport and its manual page into the wheel of its platform.

`KREPORT_PROGRAM` names the program, `KREPORT_ARCH` its architecture, `KREPORT_MAN` the manual page, and
`KREPORT_VERSION` the version.
"""

import os
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

# The program is static, so any C library will do. These are the oldest that pip has names for.
TAG = "py3-none-manylinux_2_17_{0}.manylinux2014_{0}.musllinux_1_1_{0}"


class Metadata(MetadataHookInterface):
    """Gives the package the version of the program."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fills in the dynamic field `version`."""
        metadata["version"] = os.environ["KREPORT_VERSION"]


class Build(BuildHookInterface[Any]):
    """Adds the program, and names the platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepares one wheel."""
        build_data["pure_python"] = False
        build_data["tag"] = TAG.format(os.environ["KREPORT_ARCH"])
        build_data["shared_scripts"] = {os.environ["KREPORT_PROGRAM"]: "kreport"}
        build_data["shared_data"] = {os.environ["KREPORT_MAN"]: "share/man/man1/kreport.1"}
