"""Compiles the kernel when the package is installed, if the machine has a C compiler.

A hook of the build: what it imports is named in `build-system` of `pyproject.toml` and is there
only then. Without a compiler the package is complete, but several times slower.
"""

import shutil
import sys
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "mlops/container/kernel.pyx"


class KernelHook(BuildHookInterface):  # type: ignore[type-arg,misc,unused-ignore]
    """Adds the compiled kernel to the wheel; to an editable install, beside its source."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a wheel is made."""
        root = Path(self.root)
        for old in (*root.glob("mlops/container/kernel.*.so"), *root.glob("mlops/container/*.pyd")):
            old.unlink()
        try:
            compiled = compile_kernel(root)
        except Exception as error:  # noqa: BLE001 - whatever it is, the package works without
            reason = str(error).strip().split("\n")[-1]
            print(  # noqa: T201
                f"The kernel was not compiled ({type(error).__name__}: {reason}). Everything "
                "works, several times slower. Install a C compiler and Python's headers, then "
                "install again.",
                file=sys.stderr,
            )
            return
        build_data["artifacts"].append(compiled.relative_to(root).as_posix())
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def compile_kernel(root: Path) -> Path:
    """Compile the kernel and put it beside its source.

    Args:
        root: Where the sources are.
    """
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    module = SOURCE.removesuffix(".pyx").replace("/", ".")
    # A machine that can contract a product and a sum rounds them once where others round twice.
    options = [] if sys.platform == "win32" else ["-O3", "-g0", "-ffp-contract=off"]
    with tempfile.TemporaryDirectory() as folder, chdir(root):
        extension = Extension(module, [SOURCE], extra_compile_args=options)
        modules = cythonize([extension], build_dir=folder, quiet=True)  # type: ignore[no-untyped-call,unused-ignore]
        command = build_ext(Distribution({"ext_modules": modules}))
        command.build_lib = command.build_temp = folder
        command.ensure_finalized()
        command.run()
        built = Path(command.get_ext_fullpath(module))
        return Path(shutil.copy(built, root / Path(SOURCE).with_name(built.name)))
