"""Trains as the XGBoost image does: sagemaker-containers installs our code and runs `train`.

Run in the conformance environment, with `/opt/ml` laid out in `SAGEMAKER_BASE_DIR`.
"""

import collections
import collections.abc

# The image edits the toolkit's file instead.
collections.Mapping = collections.abc.Mapping  # type: ignore[attr-defined]

from sagemaker_containers.beta import framework  # noqa: E402


def main() -> None:
    """Run the script that the hyperparameters name."""
    env = framework.training_env()
    framework.modules.run_module(
        env.module_dir, env.to_cmd_args(), env.to_env_vars(), env.module_name
    )


if __name__ == "__main__":
    main()
