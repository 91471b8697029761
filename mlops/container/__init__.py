"""What runs inside a model container: `train.py`, `inference.py` and what they share.

Nothing here imports any other part of `mlops`; numpy and xgboost are enough to serve.
"""
