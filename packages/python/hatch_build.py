"""Puts the program into the wheel of its platform.

`ASEQD_PROGRAM` names the program and `ASEQD_ARCH` its architecture. Without them the wheel is for every platform, and
has a command `aseqd` that finds the program elsewhere on Linux and does nothing on other systems.
"""

import os
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

# The program is static. The library that it carries for the door `preload` needs glibc 2.17 or later, or musl.
TAG = "py3-none-manylinux_2_17_{0}.manylinux2014_{0}.musllinux_1_1_{0}"


class Metadata(MetadataHookInterface):
    """Gives the command `aseqd` to the wheel without the program."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fills in the dynamic field `scripts`."""
        has_program = "ASEQD_PROGRAM" in os.environ
        metadata["scripts"] = {} if has_program else {"aseqd": "aseqd.__main__:main"}


class Build(BuildHookInterface[Any]):
    """Adds the program, and names the platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepares one wheel."""
        program = os.environ.get("ASEQD_PROGRAM")
        if program is not None:
            build_data["pure_python"] = False
            build_data["tag"] = TAG.format(os.environ["ASEQD_ARCH"])
            build_data["shared_scripts"] = {program: "aseqd"}
