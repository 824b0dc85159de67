"""Evaluates boxes with pycocotools and prints its twelve figures and its time as one line of JSON."""

import contextlib
import importlib.metadata
import io
import json
import sys
import time


def main(annotations, results):
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as fault:
        print(json.dumps({"error": str(fault)}))
        return
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(annotations)
        found = truth.loadRes(results)
        loaded = time.perf_counter()
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ended = time.perf_counter()
    print(
        json.dumps(
            {
                "version": importlib.metadata.version("pycocotools"),
                "readMs": 1000 * (loaded - started),
                "evaluateMs": 1000 * (ended - loaded),
                "stats": [float(value) for value in evaluation.stats],
            }
        )
    )


main(*sys.argv[1:])
