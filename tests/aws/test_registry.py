"""Models, endpoint configs, model packages and tags on the test server."""

import pytest
from botocore.exceptions import ClientError

from tests.aws.conftest import IMAGE, ROLE, Account, packed, variant


def package(account: Account, **more: object) -> str:
    """A version of the group `triage`; its ARN."""
    container = {"Image": IMAGE, "ModelDataUrl": account.put("m.tar.gz", packed(number="7"))}
    environment = {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "s3://triage/code/inference.tar.gz",
    }
    created = account.sagemaker.create_model_package(
        **{
            "ModelPackageGroupName": "triage",
            "InferenceSpecification": {
                "Containers": [{**container, "Environment": environment}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            "CustomerMetadataProperties": {"data": "0123"},
        }
        | more
    )
    return str(created["ModelPackageArn"])


def test_versions_are_numbered_approved_and_deleted(account: Account) -> None:
    sagemaker = account.sagemaker
    sagemaker.create_model_package_group(ModelPackageGroupName="triage")
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_model_package_group(ModelPackageGroupName="triage")
    first, second = package(account), package(account)
    assert [arn.rpartition("/")[2] for arn in (first, second)] == ["1", "2"]
    sagemaker.update_model_package(
        ModelPackageArn=second,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"by": "U1"},
    )
    approved = sagemaker.list_model_packages(
        ModelPackageGroupName="triage", ModelApprovalStatus="Approved"
    )["ModelPackageSummaryList"]
    assert [item["ModelPackageArn"] for item in approved] == [second]
    described = sagemaker.describe_model_package(ModelPackageName=second)
    assert described["CustomerMetadataProperties"] == {"data": "0123", "by": "U1"}
    assert (described["ModelPackageVersion"], described["ModelApprovalStatus"]) == (2, "Approved")
    with pytest.raises(ClientError, match="ConflictException"):
        sagemaker.delete_model_package_group(ModelPackageGroupName="triage")
    sagemaker.delete_model_package(ModelPackageName=second)
    assert package(account).endswith("/3")  # a number is not given twice
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package(ModelPackageName=second)


def test_a_version_serves_once_it_is_approved(account: Account) -> None:
    account.sagemaker.create_model_package_group(ModelPackageGroupName="triage")
    arn = package(account)
    model = {
        "ModelName": "m",
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {"ModelPackageName": arn},
    }
    with pytest.raises(ClientError, match="not approved"):
        account.sagemaker.create_model(**model)
    account.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    account.sagemaker.create_model(**model)
    account.sagemaker.create_endpoint_config(
        EndpointConfigName="m", ProductionVariants=[variant("m")]
    )
    account.deploy("triage", "m")
    assert account.ask("triage")[0] == "7"


def test_names_are_used_once_and_must_lead_somewhere(account: Account) -> None:
    account.model("one")
    with pytest.raises(ClientError, match="already existing model"):
        account.model("one")
    with pytest.raises(ClientError, match="already existing endpoint configuration"):
        account.sagemaker.create_endpoint_config(
            EndpointConfigName="one", ProductionVariants=[variant("one")]
        )
    with pytest.raises(ClientError, match="Could not find model"):
        account.sagemaker.create_endpoint_config(
            EndpointConfigName="two", ProductionVariants=[variant("two")]
        )
    with pytest.raises(ClientError, match="Could not find model data"):
        account.sagemaker.create_model(
            ModelName="two",
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": "s3://triage/nothing.tar.gz"},
        )
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        account.sagemaker.create_endpoint(EndpointName="triage", EndpointConfigName="two")


def test_resources_are_found_by_name_and_by_tag(account: Account) -> None:
    for name, stage in (("triage-a", "live"), ("triage-b", "test"), ("other", "live")):
        account.train(name, Tags=[{"Key": "stage", "Value": stage}])
    pages = account.sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="triage", PaginationConfig={"PageSize": 1}
    )
    names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
    assert names == ["triage-a", "triage-b"]
    found = account.sagemaker.search(
        Resource="TrainingJob",
        SearchExpression={"Filters": [{"Name": "Tags.stage", "Value": "live"}]},
    )["Results"]
    assert [item["TrainingJob"]["TrainingJobName"] for item in found] == ["triage-a", "other"]
    arn = found[0]["TrainingJob"]["TrainingJobArn"]
    account.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "by", "Value": "U1"}])
    account.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["stage"])
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "by", "Value": "U1"}]
    for name in ("triage-a", "triage-b", "other"):
        account.ended(name)
