"""What AWS or the way to it refuses, as sentences.

Every command of this backend can be given again: it finds what an earlier one has made. So each
sentence may promise that what was done is kept.
"""

from typing import Any

from botocore import exceptions as aws

from mlops.errors import BackendError

KEPT = "What was done before is kept."
CREDENTIALS = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
THROTTLED = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
}
QUOTAS = {
    "LimitExceeded",
    "LimitExceededException",
    "ResourceLimitExceeded",
    "ServiceQuotaExceededException",
}
CAPACITY = {"CapacityError", "InsufficientCapacity", "InsufficientInstanceCapacity"}
_MISSING = {
    "404",
    "NoSuchKey",
    "NotFound",
    "ObjectNotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
}
_MISSING_WORDS = ("not found", "could not find", "does not exist", "no such", "cannot find")
_EXISTS_WORDS = ("already exist", "already-exist", "already in use")
_MESSAGE_CHARACTERS = 300


class AwsError(BackendError):
    """AWS refused a call, or could not be reached.

    Attributes:
        code: AWS's word for it, such as `ThrottlingException`; the kind of error without one.
        missing: Whether what was named is not there.
        exists: Whether what was to be made is there already.
    """

    def __init__(
        self, sentence: str, code: str, *, missing: bool = False, exists: bool = False
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.missing = missing
        self.exists = exists


def explain(error: Exception, service: str, operation: str, region: str) -> AwsError:
    """The error of a call as a sentence.

    Args:
        error: From botocore.
        service: The boto3 name of the service, such as `sagemaker`.
        operation: Its method, such as `create_training_job`.
        region: Where it was asked.
    """
    if isinstance(error, aws.ClientError):
        return _refused(error, f"{service}:{_action(operation)}", region)
    kind = type(error).__name__
    if isinstance(error, aws.NoRegionError):
        return AwsError(no_region(), kind)
    if isinstance(
        error,
        aws.NoCredentialsError
        | aws.PartialCredentialsError
        | aws.CredentialRetrievalError
        | aws.ProfileNotFound
        | aws.SSOError
        | aws.TokenRetrievalError
        | aws.NoAuthTokenError,
    ):
        return AwsError(_sign_in(f"There are no AWS credentials that can be used ({kind})."), kind)
    if isinstance(error, aws.ParamValidationError):
        # Its report quotes what was passed; the kinds of trouble are enough.
        return AwsError(
            f"The request {service}:{_action(operation)} is not one that AWS can read. {KEPT} "
            "Check names and options; if they are right, please report it.",
            kind,
        )
    return AwsError(
        f"AWS ({service}, {region}) can't be reached: {kind}. {KEPT} Check the network, AWS_REGION "
        "and AWS_ENDPOINT_URL, and give the same command again.",
        kind,
    )


def _refused(error: Any, action: str, region: str) -> AwsError:
    detail = error.response.get("Error", {})
    code = str(detail.get("Code", "Unknown"))
    message = " ".join(str(detail.get("Message", "")).split())[:_MESSAGE_CHARACTERS]
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    lowered = message.lower()
    if code in CREDENTIALS:
        return AwsError(_sign_in(f"AWS does not take the credentials ({code})."), code)
    if code in DENIED:
        return AwsError(
            f"AWS denies {action}. {KEPT} Who runs this needs the right to it: compare with "
            "triage doctor --iam.",
            code,
        )
    if code == "NoSuchBucket":
        return AwsError(no_bucket(str(detail.get("BucketName", "")), region), code)
    if code in THROTTLED:
        return AwsError(
            f"AWS was asked too often ({code} of {action}), also after waiting. {KEPT} "
            "Give the same command again in a minute.",
            code,
        )
    if code in QUOTAS:
        return AwsError(
            f"A quota of this AWS account is used up: {message.rstrip('.')}. {KEPT} Use another "
            "--instance-type, or ask for more under Service Quotas in the AWS console.",
            code,
        )
    if code in CAPACITY:
        return AwsError(
            f"AWS has no such machine free in {region} now ({code}). {KEPT} Give the same command "
            "again later, or with another --instance-type.",
            code,
        )
    if status >= 500:
        return AwsError(
            f"AWS failed at {action} ({code}), also when asked again. {KEPT} "
            "Give the same command again in a minute.",
            code,
        )
    missing = code in _MISSING or any(words in lowered for words in _MISSING_WORDS)
    exists = code in ("ResourceInUse", "ConflictException", "ResourceAlreadyExistsException")
    exists = exists or any(words in lowered for words in _EXISTS_WORDS)
    return AwsError(
        f"AWS refused {action} ({code}): {message.rstrip('.')}. {KEPT} Correct that, and give the "
        "same command again.",
        code,
        missing=missing,
        exists=exists,
    )


def no_region() -> str:
    """The sentence for a missing region."""
    return (
        "No AWS region is set. Nothing was started. Set AWS_REGION, such as us-east-1, or a region "
        "in the AWS profile."
    )


def no_bucket(bucket: str, region: str) -> str:
    """The sentence for a bucket that is not there."""
    return (
        f"The S3 bucket {bucket or 'that TRIAGE_BUCKET names'} is not there. {KEPT} Make it with: "
        f"aws s3 mb s3://{bucket or 'NAME'} --region {region}"
    )


def _sign_in(what: str) -> str:
    return (
        f"{what} {KEPT} Sign in again (aws sso login, or aws configure), check AWS_PROFILE, and "
        "give the same command again."
    )


def _action(operation: str) -> str:
    """An operation as IAM spells it: `create_training_job` is `CreateTrainingJob`."""
    return "".join(part.capitalize() for part in operation.split("_"))
