"""Any size: what is left of the rows for each question, so that the rows can stay where they are.

A number of the layers is a sum over rows, and a formula. Here the two part: each function asks the engine for the sums
by one query, on pandas, Polars (eager or lazy), PyArrow, DuckDB and PySpark frames, and no row is fetched. Sums add up,
``jan + feb``, over months, files and machines; they are kept as JSON; and ``result()`` answers with the formula and the
result of the array function.

| sums | answer as |
| --- | --- |
| `rate_sums`, `coverage_sums`, `profile_sums` | `weighted_rate`, `label_coverage`, `drift_report` |
| `bounds_sums` | `bounds_without_audit` |
| `calibration_sums`, `threshold_sums`, `value_sums` | `calibration_by_band`, `money_by_threshold`, `value_of_model` |
| `best_threshold` | the best of `money_by_threshold` among all scores, without holding them |
| `score_sums` | the bands of `calibration_by_band`, quantiles |
| `capacity_sums` | `within_capacity`, as a threshold on the gain per unit |
| `effect_sums`, `rule_sums` | `uplift_effect`, `uplift_policy_value` |
| `table_sums`, `randomised_sums` | `uplift_table`, `check_randomised` without covariates |
| `promise_sums`, `policy_sums` | `promise_kept`, `policy_value` |
| `matured_sums`, `segment_sums` | `matured` and `delay_law`, `size_guard` |
"""

from mllayers.sums._table import Sums
from mllayers.sums.action import (
    EffectSums,
    RandomisedSums,
    RuleSums,
    TableSums,
    effect_sums,
    randomised_sums,
    rule_sums,
    table_sums,
)
from mllayers.sums.data import (
    BoundsSums,
    CoverageSums,
    ProfileSums,
    RateSums,
    bounds_sums,
    coverage_sums,
    profile_sums,
    rate_sums,
)
from mllayers.sums.decision import CapacityCut, CapacitySums, capacity_sums, with_cost_threshold
from mllayers.sums.feedback import (
    MaturedSums,
    PolicySums,
    PromiseSums,
    SegmentSums,
    matured_sums,
    policy_sums,
    promise_sums,
    segment_sums,
)
from mllayers.sums.prediction import (
    CalibrationSums,
    ScoreSums,
    ThresholdSums,
    ValueSums,
    best_threshold,
    calibration_sums,
    score_sums,
    threshold_sums,
    value_sums,
)

__all__ = [
    "BoundsSums",
    "CalibrationSums",
    "CapacityCut",
    "CapacitySums",
    "CoverageSums",
    "EffectSums",
    "MaturedSums",
    "PolicySums",
    "ProfileSums",
    "PromiseSums",
    "RandomisedSums",
    "RateSums",
    "RuleSums",
    "ScoreSums",
    "SegmentSums",
    "Sums",
    "TableSums",
    "ThresholdSums",
    "ValueSums",
    "best_threshold",
    "bounds_sums",
    "calibration_sums",
    "capacity_sums",
    "coverage_sums",
    "effect_sums",
    "matured_sums",
    "policy_sums",
    "profile_sums",
    "promise_sums",
    "randomised_sums",
    "rate_sums",
    "rule_sums",
    "score_sums",
    "segment_sums",
    "table_sums",
    "threshold_sums",
    "value_sums",
    "with_cost_threshold",
]
