#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the built controller on a real API server; see bench/README.md. Run it in the build folder:
    KUBEBUILDER_ASSETS=... ../bench/run.py [--runs 5] [--json FILE]
Prints a table of medians, with the least and the most of all runs, and everything as JSON.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from world import build_folder
from claims import Run

from cluster import interrupts_are_exceptions, missing_assets
from controller import binary

PLUGINS = ("sandbox", "template", "claim", "warmpool")

# What is shown: (text, unit, goal, path into a run's figures, factor).
ROWS = [
    ("claim to Ready, paced, p50", "ms", 16, ("paced", "p50_ms"), 1),
    ("claim to Ready, paced, p99", "ms", None, ("paced", "p99_ms"), 1),
    ("  of this the claim's own POST, p50", "ms", None, ("paced", "post_p50_ms"), 1),
    ("burst, until all are Ready", "claims/s", 70, ("burst", "claims_s"), 1),
    ("  bare writes in the same run", "claims/s", None, ("bare", "claims_s"), 1),
    ("  share of that", "%", None, ("share_of_ceiling",), 100),
    ("  bare writes without a node", "claims/s", None, ("bare_no_node", "claims_s"), 1),
    ("controller CPU a claim", "ms", 3, ("controller_cpu_ms",), 1),
    ("  in the burst", "ms", None, ("burst", "controller_cpu_ms"), 1),
    ("  paced", "ms", None, ("paced", "controller_cpu_ms"), 1),
    ("RSS idle", "MB", 6, ("idle", "VmRSS"), 1 / 1024),
    ("  anonymous", "MB", None, ("idle", "RssAnon"), 1 / 1024),
    ("  of files", "MB", None, ("idle", "RssFile"), 1 / 1024),
    ("RSS with 200 claims and Sandboxes", "MB", 12, ("rested", "VmRSS"), 1 / 1024),
    ("  anonymous", "MB", None, ("rested", "RssAnon"), 1 / 1024),
    ("  of files", "MB", None, ("rested", "RssFile"), 1 / 1024),
    ("  right after the burst", "MB", None, ("loaded", "VmRSS"), 1 / 1024),
    ("CPU at rest with them", "ms/s", None, ("rest_cpu_ms_s",), 1),
    ("start to first write", "ms", None, ("start_ms",), 1),
    ("load of others: bare", "%", None, ("bare", "foreign_load"), 100),
    ("load of others: burst", "%", None, ("burst", "foreign_load"), 100),
    ("load of others: paced", "%", None, ("paced", "foreign_load"), 100),
]


def dig(figures, path):
    for key in path:
        figures = figures[key]
    return figures


def sizes():
    """Bytes of the binary and its plugins, stripped."""
    files = [binary()] + [os.path.join(build_folder(), ".libs", name + ".so") for name in PLUGINS]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            copy = os.path.join(folder, os.path.basename(path))
            shutil.copy(path, copy)
            subprocess.run(["strip", copy], check=True)
            found[os.path.basename(path)] = os.path.getsize(copy)
    return found


def median_writes(runs, part):
    names = sorted({name for run in runs for name in run[part]["writes"]})
    return {name: statistics.median(run[part]["writes"].get(name, 0) for run in runs) for name in names}


def show(runs, size):
    print(f"{'':38}{'median':>9}{'least':>9}{'most':>9}  {'':9}{'goal':>5}")
    for text, unit, goal, path, factor in ROWS:
        values = [dig(run, path) * factor for run in runs]
        print(f"{text:38}{statistics.median(values):9.1f}{min(values):9.1f}{max(values):9.1f}  {unit:9}"
              f"{goal if goal is not None else '':>5}")
    total = sum(size.values())
    print(f"{'binary and plugins, stripped':38}{total / 1048576:9.2f}{'':18}  {'MB':9}{1:>5}")
    for name, count in size.items():
        print(f"  {name:36}{count / 1024:9.0f}{'':18}  KB")
    print("\nwhere a paced claim's time goes:")
    for what in runs[0]["paced"]["path"]:
        print(f"  {what:36}{statistics.median(run['paced']['path'][what] for run in runs):9.2f}{'':18}  ms")
    for part in ("paced", "burst"):
        print(f"\nwrites a claim, {part}:")
        for name, count in median_writes(runs, part).items():
            print(f"  {name:36}{count:9.2f}")


def main():
    parser = argparse.ArgumentParser(description="Measure the controller on a real API server.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--claims", type=int, default=200, help="of the burst, and the size of the pool")
    parser.add_argument("--creators", type=int, default=32)
    parser.add_argument("--paced", type=int, default=60, help="claims of the steady part")
    parser.add_argument("--rate", type=float, default=2, help="claims a second in the steady part")
    parser.add_argument("--nice", type=int, default=0, help="of all processes, where others use the machine too")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--keep", action="store_true", help="keep the clusters' folders")
    options = parser.parse_args()
    why = missing_assets()
    if why:
        print("skipped:", why)
        return 77
    interrupts_are_exceptions()
    runs = []
    for number in range(options.runs):
        figures = Run(options).all()
        runs.append(figures)
        print(f"run {number + 1}: paced p50 {figures['paced']['p50_ms']:.1f} ms, burst {figures['burst']['claims_s']:.1f} of "
              f"{figures['bare']['claims_s']:.1f} claims/s, CPU {figures['controller_cpu_ms']:.2f} ms a claim, "
              f"idle {figures['idle']['VmRSS'] / 1024:.1f} MB, load of others "
              f"{figures['burst']['foreign_load'] * 100:.0f} %", file=sys.stderr, flush=True)
    size = sizes()
    show(runs, size)
    if options.json:
        with open(options.json, "w") as f:
            json.dump({"runs": runs, "sizes": size}, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
