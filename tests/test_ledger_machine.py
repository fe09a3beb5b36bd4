"""A ledger and `act` under everything at once: programs, threads, kills, people, clocks; a plain book keeps watch."""

import datetime
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zoneinfo
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from own_postgres import own_server

from mllayers.action import Limits, act
from mllayers.ledger import Ledger

KILLS = int(os.environ.get("LEDGER_KILLS", "4"))
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # no disk to wait for
TIME, ZONE = pd.Timestamp("2026-03-01"), "Europe/Madrid"
CASES = st.lists(st.integers(0, 19), min_size=1, max_size=6)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


class Stopped(BaseException):
    """The program ends in the middle of a deed."""


def stop_of(call):
    """What ended a program, if something did."""
    try:
        call()
    except Stopped as error:
        return error
    return None


class Books(RuleBasedStateMachine):
    """Two programs (ledgers of their own on one file) and what must be true after any sequence of steps."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.open = [Ledger(self.folder / "ledger.db"), Ledger(self.folder / "ledger.db")]
        self.now = datetime.datetime(2026, 3, 28, 12)  # clocks change in this night
        self.kept, self.real, self.over, self.doubt = {}, [], {}, set()
        self.days, self.money = Counter(), 0.0

    @initialize()
    def empty(self):
        assert len(self.open[0].decisions()) == 0

    def frame(self, cases):
        frame = pd.DataFrame({"case": cases, "time": TIME, "propensity": 0.9, "idle": "rest"})
        return frame.assign(
            action=["rest" if case % 5 == 4 else "send" for case in cases], cost=[case % 3 for case in cases]
        )

    def today(self):
        return self.now.replace(tzinfo=datetime.UTC).astimezone(zoneinfo.ZoneInfo(ZONE)).date()

    @rule(program=st.integers(0, 1), cases=CASES)
    def record(self, program, cases):
        new = self.open[program].record_decisions(self.frame(cases))
        assert new == len(set(map(str, cases)) - set(self.kept))
        self.kept |= {str(case): case for case in cases}

    @rule(hours=st.sampled_from([0.1, 1, 5, 13, 24, -2]))
    def pass_time(self, hours):
        self.now += datetime.timedelta(hours=hours)

    @rule(program=st.integers(0, 1), case=st.integers(0, 19))
    def override(self, program, case):
        if str(case) not in self.kept:
            return
        self.now += datetime.timedelta(minutes=1)
        row = {"case": [case], "time": TIME, "action": "call", "by": "x", "reason": "asked", "at": max(self.now, TIME)}
        self.open[program].record_overrides(pd.DataFrame(row))
        self.over[str(case)] = self.over.get(str(case), len(self.real))

    @rule(
        program=st.integers(0, 1),
        cases=CASES,
        budget=st.sampled_from([None, 3, 6, 100]),
        per_day=st.sampled_from([None, 2, 4]),
        skip=st.booleans(),
        stop=st.sampled_from([None, None, 1, 2]),
        slow=st.booleans(),
    )
    def act(self, program, cases, budget, per_day, skip, stop, slow):
        done = []

        def do(row):
            assert row["action"] == "send"
            self.real.append((str(row["case"]), str(self.today())))
            self.days[self.today()] += 1
            self.money += row["cost"]
            done.append(str(row["case"]))
            if per_day is not None:
                assert self.days[self.today()] <= per_day
            if budget is not None:
                assert self.money <= budget
            if slow:
                self.now += datetime.timedelta(hours=7)
            if len(done) == stop:
                self.doubt.add(str(row["case"]))
                raise Stopped
            if row["case"] % 7 == 6:
                raise OSError("bounced")

        run = {"limits": Limits(budget, per_day), "skip": skip, "now": lambda: self.now, "zone": ZONE}
        expected = act(self.frame(cases), self.open[program], do=do, **run)
        begun, reports = {case for case, _ in self.real}, []
        stopped = stop_of(
            lambda: reports.append(act(self.frame(cases), self.open[program], do=do, dry_run=False, **run))
        )
        if stopped is not None:
            assert f"1 in doubt, case {done[-1]}" in stopped.__notes__[0]
            assert f"{sum(int(x) % 7 != 6 for x in done[:-1]):,} done before" in stopped.__notes__[0]
        else:
            (report,) = reports
            assert report.done + report.failed == len(done)
            named = len(set(map(str, cases)))
            assert (
                sum(report.to_dict()[x] for x in ("done", "failed", "before", "under_way", "in_doubt", "overridden"))
                + (report.idle + report.over_budget + report.over_day)
                == named
            )
            if not slow:
                assert len(done) == expected.done
                assert (report.idle, report.left) == (expected.idle, expected.left)
        assert not begun & set(done)
        assert not set(done) & set(self.over)
        self.kept |= {str(case): case for case in cases}

    @rule(
        program=st.integers(0, 1),
        cases=CASES,
        batch=st.integers(1, 6),
        budget=st.sampled_from([None, 3, 6, 100]),
        per_day=st.sampled_from([None, 2, 4]),
        skip=st.booleans(),
        stop=st.sampled_from([None, None, 1, 2]),
    )
    def act_in_batches(self, program, cases, batch, budget, per_day, skip, stop):
        batches = []

        def do(frame):
            names = frame["case"].astype(str).tolist()
            batches.append(names)
            self.real += [(name, str(self.today())) for name in names]
            self.days[self.today()] += len(names)
            self.money += int(frame["cost"].sum())
            if per_day is not None:
                assert self.days[self.today()] <= per_day
            if budget is not None:
                assert self.money <= budget
            if len(batches) == stop:
                self.doubt |= set(names)
                raise Stopped
            return ["bounced" if case % 7 == 6 else None for case in frame["case"]]

        run = {"limits": Limits(budget, per_day), "skip": skip, "now": lambda: self.now, "zone": ZONE, "batch": batch}
        expected = act(self.frame(cases), self.open[program], do=do, **run)
        begun, reports = {case for case, _ in self.real}, []
        stopped = stop_of(
            lambda: reports.append(act(self.frame(cases), self.open[program], do=do, dry_run=False, **run))
        )
        done = [name for names in batches for name in names]
        if stopped is not None:
            assert f"{len(batches[-1]):,} in doubt" in stopped.__notes__[0]
        else:
            (report,) = reports
            assert report.done + report.failed == len(done) == expected.done
            assert (report.idle, report.left) == (expected.idle, expected.left)
        assert max(map(len, batches), default=0) <= batch
        assert not begun & set(done)
        assert not set(done) & set(self.over)
        self.kept |= {str(case): case for case in cases}

    @rule(program=st.integers(0, 1), together=st.booleans())
    def look_at_what_is_in_doubt(self, program, together):
        if together:
            frame = pd.DataFrame({"case": sorted(self.doubt), "time": TIME})
            self.open[program].finish_many(frame, states="done", notes="looked", at=self.now)
        for case in sorted(self.doubt) if not together else []:
            self.open[program].finish(case, TIME, state="done", note="looked", at=self.now)
        self.doubt.clear()

    @rule(program=st.integers(0, 1))
    def open_again(self, program):
        self.open[program].close()
        self.open[program] = Ledger(self.folder / "ledger.db")

    @rule(program=st.integers(0, 1), cases=CASES)
    def threads(self, program, cases):
        done, ledger, frame = [], self.open[program], self.frame(cases)
        before = {case for case, _ in self.real}
        with ThreadPoolExecutor(4) as pool:
            runs = [
                pool.submit(act, frame, ledger, do=done.append, dry_run=False, now=lambda: self.now, zone=ZONE)
                for _ in range(4)
            ]
            reports = [run.result() for run in runs]
        assert sum(report.done for report in reports) == len(done)
        names = [str(row["case"]) for row in done]
        assert len(names) == len(set(names))
        assert not set(names) & before
        self.real += [(name, str(self.today())) for name in names]
        self.days[self.today()] += len(names)
        self.money += sum(row["cost"] for row in done)
        self.kept |= {str(case): case for case in cases}

    @invariant()
    def nothing_is_lost_or_doubled(self):
        one, other = self.open
        kept = one.decisions()
        assert sorted(kept["case"]) == sorted(self.kept)
        assert set(kept.loc[kept["override"].notna(), "case"]) == set(self.over)
        attempts = other.attempts(now=self.now)
        names = [case for case, _ in self.real]
        assert len(names) == len(set(names))
        assert sorted(attempts["case"]) == sorted(names)
        assert set(attempts.loc[attempts["state"].isin(["started", "in doubt"]), "case"]) == self.doubt
        assert attempts["cost"].sum() == self.money
        assert Counter(attempts["day"].dt.date) == +self.days
        assert sorted(attempts["number"]) == list(range(1, len(attempts) + 1))

    def teardown(self):
        for ledger in self.open:
            ledger.close()
        shutil.rmtree(self.folder)


Books.TestCase.settings = settings(
    max_examples=3 * KILLS, stateful_step_count=10, deadline=None, suppress_health_check=SLOW, derandomize=KILLS <= 4
)
TestBooks = Books.TestCase

RUNNER = """
import datetime, sys, time
import pandas as pd
from mllayers.action import Limits, act
from mllayers.ledger import Ledger
file, log, cases, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) or None
frame = pd.DataFrame({"case": range(cases), "time": pd.Timestamp("2026-03-01"), "propensity": 0.9, "cost": 1.0})
frame = frame.assign(action=["rest" if case % 5 == 4 else "send" for case in range(cases)], idle="rest")
def do(given):
    with open(log, "a") as done:
        for case in given["case"] if batch else [given["case"]]:
            done.write(f"{case}\\n")
            done.flush()
    time.sleep(0.001)
with Ledger(file, timeout=60) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    print("begun", flush=True)
    run = {"dry_run": False, "batch": batch, "limits": Limits(budget=cases, per_day=cases)}
    print(act(frame, ledger, do=do, **run).done, flush=True)
"""


@pytest.mark.parametrize("batch", [0, 20])
def test_two_programs_that_are_killed_again_and_again(tmp_path, batch):
    """kill -9 at random moments while two act on the same: each once or in doubt, in doubt at most one batch a kill."""
    kill_two_programs(str(tmp_path / "ledger.db"), tmp_path / "done.txt", batch)


@pytest.mark.postgres
@pytest.mark.parametrize("batch", [0, 20])
def test_two_programs_that_are_killed_on_a_server(tmp_path, batch):
    """The same where the ledger lives in PostgreSQL."""
    with own_server() as pattern:
        kill_two_programs(pattern.format("postgres"), tmp_path / "done.txt", batch)


def kill_two_programs(address, log, batch):
    """Kill them, let two more come to the end, and compare what was done with what the ledger says."""
    rng, cases, kills = random.Random(5), (400 if batch else 60) * KILLS, 0
    command = [sys.executable, "-c", RUNNER, address, str(log), str(cases), str(batch)]
    Ledger(address).close()

    def two():
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        programs = [subprocess.Popen(command, **pipes) for _ in range(2)]
        assert [program.stdout.readline() for program in programs] == ["ready\n"] * 2
        for program in programs:
            program.stdin.write("go\n")
            program.stdin.close()
        assert [program.stdout.readline() for program in programs] == ["begun\n"] * 2
        return programs

    for _ in range(KILLS // 2):
        for program in two():
            time.sleep(rng.uniform(0, 0.1))
            program.kill()
            kills += program.wait() == -signal.SIGKILL
            program.stdout.close()
    for program in two():
        assert program.wait() == 0
        program.stdout.close()
    assert kills > 0
    done = list(map(int, log.read_text().split()))
    with Ledger(address) as ledger:
        attempts = ledger.attempts(patience=datetime.timedelta(0))
    wanted = {case for case in range(cases) if case % 5 != 4}
    doubt = set(map(int, attempts.loc[attempts["state"] == "in doubt", "case"]))
    assert len(done) == len(set(done))
    assert set(map(int, attempts["case"])) == wanted
    assert wanted - doubt <= set(done)
    assert len(doubt) <= kills * (batch or 1)
    print(f"{kills} kills of two programs: {len(wanted)} cases, 0 lost, 0 doubled, {len(doubt)} in doubt")


@pytest.mark.parametrize("threads", [8])
def test_threads_with_ledgers_of_their_own(tmp_path, threads):
    """Eight threads, a ledger each on one file, a budget for sixty: sixty are done, each once."""
    frame = pd.DataFrame(
        {"case": range(200), "time": TIME, "propensity": 0.9, "cost": 1.0, "action": "send", "idle": "rest"}
    )
    done = []

    def one(_):
        with Ledger(tmp_path / "ledger.db", timeout=60) as ledger:
            return act(frame, ledger, do=done.append, dry_run=False, limits=Limits(budget=60))

    with ThreadPoolExecutor(threads) as pool:
        reports = list(pool.map(one, range(threads)))
    assert sum(report.done for report in reports) == len(done) == len({row["case"] for row in done}) == 60
