"""The process that imports paddle: converts networks and runs them, so that its noise and crashes stay out of ours.

Started by `process`. Takes one JSON request a line on stdin, writes one JSON answer a line on the file
descriptor given as its argument; everything that paddle and paddle2onnx print goes where stdout and stderr go.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PR_SET_PDEATHSIG = 1  # of linux/prctl.h
OPSET = 14  # what paddle2onnx 2.0.1 needs for PP-OCRv4; all graphs of one opset are fused and tested alike


def convert(network: str, weights: str, target: str) -> None:
    """Write a Paddle network as ONNX."""
    import paddle2onnx  # noqa: PLC0415 - seconds

    paddle2onnx.export(network, weights, target, opset_version=OPSET, enable_onnx_checker=True)
    if not Path(target).is_file():
        raise RuntimeError("paddle2onnx wrote nothing")


def predict(network: str, weights: str, inputs: str, outputs: str, threads: int) -> None:
    """Run a Paddle network on every array of the .npz file `inputs`; write its first output to `outputs`.

    inputs: FP32 [N, 3, H, W] each, under any names; outputs: under the same names
    """
    from paddle import inference  # noqa: PLC0415 - seconds

    config = inference.Config(network, weights)
    config.disable_gpu()
    config.disable_glog_info()
    config.disable_mkldnn()  # its fused kernels differ from the plain ones by 4e-4, the converted graphs by 3e-5
    config.set_cpu_math_library_num_threads(threads)
    predictor = inference.create_predictor(config)
    entry = predictor.get_input_handle(predictor.get_input_names()[0])
    results = {}
    with np.load(inputs) as arrays:
        for name in arrays.files:
            entry.copy_from_cpu(np.ascontiguousarray(arrays[name]))
            predictor.run()
            results[name] = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
    np.savez(outputs, **results)


def versions() -> dict[str, str]:
    """Return the versions of what this process runs."""
    import paddle  # noqa: PLC0415 - seconds
    import paddle2onnx  # noqa: PLC0415 - seconds

    return {"paddlepaddle": paddle.__version__, "paddle2onnx": paddle2onnx.__version__}


REQUESTS: dict[str, Callable[..., Any]] = {"convert": convert, "predict": predict, "versions": versions}


def end_with_parent() -> None:
    """Have the system kill this process when its parent dies: in the middle of a request it would not notice."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Answer requests until stdin ends."""
    end_with_parent()
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as answers:
        for line in sys.stdin:
            request: dict[str, Any] = json.loads(line)
            try:
                answer = {"result": REQUESTS[request.pop("do")](**request)}
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
