"""How fast a year at the desk is, beside rollouts of `caseload` and `ml-fairness-gym` with as many decisions.

``python benchmarks/desk_speed.py [PYTHON [FOLDER]]``: PYTHON of an environment in which the peers are installed (this
one, if none is given), FOLDER a copy of the repository google/ml-fairness-gym, which is in no registry. What is absent
is skipped with a sentence. CPU seconds, one after the other in one run.

The tasks are not the same. The desk learns a model each month, plans by money with capacity, and writes propensities;
caseload refits a scorer each round and picks what to investigate; the lending desk of ml-fairness-gym samples one
applicant a step and is asked here by an agent that accepts everybody, so it learns nothing.
"""

import os
import subprocess
import sys
import time
import types
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

PER_MONTH, MONTHS = 5_000, 12
DECISIONS = PER_MONTH * MONTHS


def seconds(task):
    """CPU seconds of a task."""
    began = time.process_time()
    task()
    return time.process_time() - began


def desk():
    """The four standard arms that can exist, a year each."""
    from mllayers.desk import orders_of
    from mllayers.loop import run_loop

    orders = orders_of("drifting", seed=1, per_month=PER_MONTH)
    run_loop(orders, team="closed", months=range(6, 8))  # imports and first calls do not count
    for team in ("open", "self", "closed", "explore"):
        yield f"mllayers, {team}", seconds(lambda team=team: run_loop(orders, team=team, seed=1))


def caseload():
    """As many cases in as many rounds, the scorer refitted in each."""
    import caseload as peer
    from caseload.envs import DriftConfig, make_episode

    size = {"n_rounds": MONTHS, "pool_lo": PER_MONTH, "pool_hi": PER_MONTH + 1}
    episode, _ = make_episode(1, DriftConfig(**size))
    for policy in (peer.TopK(), peer.EpsilonExplore(0.15)):
        for name, scorer in (("logistic", peer.LogisticScorer()), ("boosting", peer.GradientBoostScorer())):
            mdp = peer.InvestigationMDP(episode, scorer, budget_frac=0.04)
            spent = seconds(lambda mdp=mdp, policy=policy: peer.rollout(mdp, policy, seed=1))
            yield f"caseload, {policy.name}, {name}", spent * DECISIONS / episode.n_cases


def lending(folder):
    """As many applicants of the lending desk, one a step."""
    if not (Path(folder or ".") / "environments" / "lending.py").exists():
        raise ModuleNotFoundError("there is no copy of the repository google/ml-fairness-gym")
    sys.path.insert(0, folder)
    for name in ("recsim", "recsim.simulator", "recsim.simulator.recsim_gym"):  # its core imports it for another desk,
        sys.modules[name] = types.ModuleType(name)  # and it needs TensorFlow
    sys.modules["recsim.simulator"].recsim_gym = sys.modules["recsim.simulator.recsim_gym"]
    from environments import lending as peer

    desk = peer.SimpleLoans()
    desk.seed(1)

    def year():
        desk.reset()
        for _ in range(DECISIONS):
            if desk.step(1)[2]:
                desk.reset()

    yield "ml-fairness-gym, lending, accepts all", seconds(year)


def told(name, spent):
    """One line of the table."""
    years = f"{spent:7.2f} s a team-year, {1 / spent:6.2f} team-years a second"
    return f"{name:<40}{years}, {DECISIONS / spent:9,.0f} decisions a second"


def main(python, folder):
    """The table."""
    print(f"{DECISIONS:,} decisions each, CPU seconds:")
    for name, spent in desk():
        print(told(name, spent), flush=True)
    for peer in ("caseload", "lending"):
        asked = subprocess.run([python, __file__, "--only", peer, folder], capture_output=True, text=True)
        last = (asked.stderr.strip() or "it said nothing").splitlines()[-1]
        print(asked.stdout.rstrip() if asked.returncode == 0 else f"{peer}: skipped, {last}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--only"]:
        for row in caseload() if sys.argv[2] == "caseload" else lending(sys.argv[3]):
            print(told(*row), flush=True)
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else sys.executable, sys.argv[2] if len(sys.argv) > 2 else "")
