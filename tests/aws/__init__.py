"""AWS on this machine, for tests: a real HTTP server that any AWS client reaches.

A `conftest.py` takes the fixture with `from tests.aws.fixtures import aws`; a test that asks for
`aws` has an empty account of its own, and its environment has `AWS_ENDPOINT_URL`, a region and
credentials, so that our code, the `triage` command and `aws` talk to it without being told:

    def test_it(aws: AwsServer) -> None:
        aws.client("s3").create_bucket(Bucket="triage")
        ...  # the code under test: training jobs train, endpoints serve
        assert aws.called("CreateTrainingJob")[0]["EnableManagedSpotTraining"]

`aws.calls` has every request that arrived, `aws.called(operation)` the parameters of one kind,
`aws.variables` the environment for a process. All requests are compared with botocore's model of
the service first, and refused as AWS refuses them. What goes wrong is ordered beforehand, with what
is in `tests.aws.faults`:

    aws.faults.queue("CreateTrainingJob", faults.throttled(), times=2)
    aws.faults.queue("CreateEndpoint", faults.reset(after=True))  # done, and the answer is lost
    aws.faults.queue("CreateEndpoint", faults.capacity())  # begins, and fails; jobs do so too
    aws.jobs.interrupt(name)  # Spot takes its instance away
    aws.endpoints.lose_machines(name)  # its containers die, and requests fail
    aws.client("cloudwatch").set_alarm_state(...)  # rolls back an update that it guards

Jobs and containers are processes of this Python, below a temporary folder that stands for
`/opt/ml`; none outlives the server. What takes minutes on AWS takes the seconds of
`AwsServer(pace=Pace(...))`, see `tests.aws.pace`. Several instances of a job are called
`127.0.0.1`, `127.0.0.2`, …, as no resolver knows `algo-2`; a lone one is `algo-1`.

moto answers for S3, STS, IAM, KMS, CloudWatch, CloudWatch Logs and autoscaling. SageMaker is all
here, since moto's accepts duplicates and unknown names, runs nothing and serves nothing. Data
capture is accepted and captures nothing; pipe input, manifests, and filters of transform jobs are
refused. `python -m tests.aws` serves until it is interrupted, and prints the variables to set.
"""
