"""How good a model is: metrics with intervals over clusters, baselines, and the model card."""
