"""Tuning: Optuna proposes hyperparameters, `train.py` tries them, the best model is the job's.

Every trial is a training run of its own under the container's contract, in a folder of its own.
What does not depend on what is searched, the first trial does for all (`container/prepared.py`).
Optuna keeps nothing: its study is made again from the trials' records, so a tuning job that was
killed carries on with what had been finished.
"""

import shutil
import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from mlops.backends import JobStatus, Trial
from mlops.backends.local.container import Outcome, lay_out, run_training
from mlops.backends.local.files import now, read_json
from mlops.backends.local.records import (
    PREPARED,
    Plan,
    best_trial,
    read_trials,
    trial_folder,
    write_trial,
)
from mlops.backends.local.runner import processors
from mlops.container.train import HYPERPARAMETERS


def run_tuning(folder: Path, plan: Plan, group: int, stop: threading.Event) -> Outcome:
    """Try as many hyperparameters as the plan says, several at a time, and keep the best model.

    Trials that an earlier run finished count. A trial that fails is recorded, and not fatal.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search = _Search(plan)
    earlier = {trial.number: trial for trial in read_trials(folder)}
    unfinished = []
    for trial in earlier.values():
        if trial.status in ("Completed", "Failed"):
            search.learn(trial)
        else:
            unfinished.append(trial)
    _say(folder, f"Tuning: {len(earlier) - len(unfinished)} of {plan.max_jobs} trials are there.")
    fresh = (number for number in range(plan.max_jobs) if number not in earlier)
    todo = iter(sorted([*(trial.number for trial in unfinished), *fresh]))
    running: dict[Future[Trial], int] = {}
    with ThreadPoolExecutor(max_workers=plan.max_parallel_jobs) as pool:
        while True:
            while not stop.is_set() and len(running) < plan.max_parallel_jobs:
                number = next(todo, None)
                if number is None:
                    break
                known = earlier[number].hyperparameters if number in earlier else None
                trial = search.propose(number, known)
                running[pool.submit(_run, folder, plan, trial, group, stop)] = number
            if not running:
                break
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                del running[future]
                trial = future.result()
                search.learn(trial)
                _say(folder, _line(plan, trial))
    return _conclude(folder, plan, stopped=stop.is_set())


class _Search:
    """Optuna's study, told of every trial that ended and asked for the next."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._space = {name: _distribution(name, *ends) for name, ends in plan.ranges.items()}
        self._study = optuna.create_study(direction="maximize")
        self._asked: dict[int, optuna.trial.Trial] = {}

    def propose(self, number: int, known: Mapping[str, str] | None) -> Trial:
        """The hyperparameters of a trial: new ones, or those it had when it was interrupted."""
        if known is not None:
            self._study.enqueue_trial(self._values(known))
        # A seed of its own: a job that is resumed proposes what an unbroken one would.
        self._study.sampler = optuna.samplers.TPESampler(
            seed=self._plan.seed * 100_003 + number,
            n_startup_trials=max(2 * self._plan.max_parallel_jobs, self._plan.max_jobs // 3),
            constant_liar=True,
        )
        asked = self._study.ask(self._space)
        self._asked[number] = asked
        chosen = {name: _text(value) for name, value in asked.params.items()}
        return Trial(number, "InProgress", {**self._plan.hyperparameters, **chosen}, None)

    def learn(self, trial: Trial) -> None:
        """Take in how a trial ended."""
        asked = self._asked.pop(trial.number, None)
        worked = trial.status == "Completed" and trial.objective is not None
        state = optuna.trial.TrialState.COMPLETE if worked else optuna.trial.TrialState.FAIL
        if asked is not None:
            self._study.tell(asked, trial.objective if worked else None, state=state)
            return
        values = self._values(trial.hyperparameters)
        if set(values) == set(self._space):
            self._study.add_trial(
                optuna.trial.create_trial(
                    state=state,
                    value=trial.objective if worked else None,
                    params=values,
                    distributions=self._space,
                )
            )

    def _values(self, hyperparameters: Mapping[str, str]) -> dict[str, float]:
        return {
            name: HYPERPARAMETERS[name][0](value)
            for name, value in hyperparameters.items()
            if name in self._space
        }


def _run(folder: Path, plan: Plan, trial: Trial, group: int, stop: threading.Event) -> Trial:
    """Run one trial in its folder and record how it ended."""
    own = trial_folder(folder, trial.number)
    for old in own.iterdir():  # what an interrupted run left
        shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    write_trial(folder, trial, started=now())
    ml = folder / "opt" / "ml"
    lay_out(
        own,
        code=(ml / "code").resolve(),
        data=(ml / "input" / "data").resolve(),
        hyperparameters=trial.hyperparameters,
    )
    outcome = run_training(
        own,
        name=f"{plan.name}-{trial.number:03d}",
        hyperparameters=trial.hyperparameters,
        processors=max(1, processors() // plan.max_parallel_jobs),
        group=group,
        log=own / "log.txt",
        prepared=folder / PREPARED,
        stop=stop,
        on_metrics=lambda _: None,
    )
    objective = outcome.metrics.get(plan.objective)
    status, failure = outcome.status, outcome.failure
    if status == "Completed" and objective is None:
        status, failure = "Failed", f"It printed no {plan.objective}."
    ended = Trial(trial.number, status, trial.hyperparameters, objective)
    write_trial(folder, ended, metrics=outcome.metrics, failure=failure, ended=now())
    return ended


def _conclude(folder: Path, plan: Plan, *, stopped: bool) -> Outcome:
    """Make the best trial's model the job's."""
    trials = read_trials(folder)
    best = best_trial(trials)
    unfinished = len([t for t in trials if t.status in ("Completed", "Failed")]) < plan.max_jobs
    status: JobStatus = "Stopped" if stopped and unfinished else "Completed"
    if best is None:
        if status == "Stopped":
            return Outcome("Stopped")
        return Outcome(
            "Failed",
            failure=f"All {plan.max_jobs} trials failed. No model was made. "
            f"The first one's log says why: {folder}/trials/000/log.txt",
        )
    own = trial_folder(folder, best.number)
    artifact = folder / "output" / "model.tar.gz"
    artifact.parent.mkdir(exist_ok=True)
    draft = artifact.with_name(".model.tar.gz")
    shutil.copyfile(own / "output" / "model.tar.gz", draft)
    draft.replace(artifact)
    _say(folder, f"The best is trial {best.number} with {plan.objective} {best.objective}.")
    record = read_json(own / "trial.json") or {}
    return Outcome(status, dict(record.get("metrics") or {}))


def _distribution(name: str, low: float, high: float) -> BaseDistribution:
    if HYPERPARAMETERS[name][0] is int:
        return IntDistribution(int(low), int(high))
    return FloatDistribution(float(low), float(high))


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _line(plan: Plan, trial: Trial) -> str:
    score = f" {plan.objective} {trial.objective:.5f}" if trial.objective is not None else ""
    chosen = " ".join(f"{name}={trial.hyperparameters[name]}" for name in plan.ranges)
    return f"Trial {trial.number}: {trial.status}{score} {chosen}"


def _say(folder: Path, line: str) -> None:
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        log.write(line + "\n")
