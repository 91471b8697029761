"""Our `train.py` and `inference.py` under AWS's own toolkits, compared with the local backend.

`make conformance` builds an environment of its own, with the versions of SageMaker's XGBoost 3.2-0
image, and runs there what the image runs: sagemaker-containers installs and trains, and installs
before it serves; sagemaker-inference answers; sagemaker-training is what newer images train with.
The model must be the same one, and every answer the same to the last digit.
"""
