"""The model card that the registry keeps with a version, in SageMaker's own schema for it.

Source of the schema: "Model package model card schema" of the SageMaker developer guide: an
overview of creator and artifact only, intended uses, training and evaluation details, and more.
"""

import json
from collections.abc import Mapping
from typing import Any

INTENDED = (
    "Supports the decision whether a referral goes to a surgeon (Surgery) or to advice, work-up or "
    "conservative care (Consultation), for English text written before that decision. "
    "A clinician decides."
)
CAVEATS = (
    "No medical device, not tested on patients of any clinic. It abstains (Needs review) where it "
    "can't tell, and says when a note is about an operation that has already happened."
)


def card_content(metadata: Mapping[str, Any], origin: Mapping[str, str], artifact: str) -> str:
    """The `ModelCardContent` of a version.

    Args:
        metadata: The artifact's own.
        origin: Where it comes from, as text by name.
        artifact: Its s3:// address.
    """
    metrics = {str(name): value for name, value in dict(metadata.get("metrics", {})).items()}
    records = {str(name): value for name, value in dict(metadata.get("records", {})).items()}
    counted = ", ".join(f"{name}: {number}" for name, number in sorted(records.items()))
    return json.dumps(
        {
            "model_overview": {
                "model_creator": "referral-triage",
                "model_artifact": [artifact],
            },
            "intended_uses": {
                "purpose_of_model": "Referral triage",
                "intended_uses": INTENDED,
                "risk_rating": "High",
                "explanations_for_risk_rating": "It speaks of patients' care.",
            },
            "training_details": {
                "objective_function": {
                    "function": {"function": "Minimize", "facet": "Loss", "condition": "logistic"},
                    "notes": "Gradient-boosted trees over scores of words and clinical cues.",
                },
                "training_observations": f"Records by source: {counted or 'not known'}.",
            },
            "evaluation_details": [
                {
                    "name": "Held-out or out-of-fold records",
                    "metric_groups": [
                        {
                            "name": "binary_classification_metrics",
                            "metric_data": [
                                {"name": name, "type": "number", "value": value}
                                for name, value in sorted(metrics.items())
                            ],
                        }
                    ],
                }
            ],
            "additional_information": {
                "caveats_and_recommendations": CAVEATS,
                "custom_details": dict(origin),
            },
        }
    )


def quality_content(metadata: Mapping[str, Any]) -> str:
    """The metrics of a version as SageMaker's model quality reports spell them."""
    metrics = dict(metadata.get("metrics", {}))
    return json.dumps(
        {
            "binary_classification_metrics": {
                str(name).replace("-", "_"): {"value": value, "standard_deviation": "NaN"}
                for name, value in sorted(metrics.items())
            }
        }
    )
