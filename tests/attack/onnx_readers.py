"""What others make of a file that was written: onnx's checker, and ONNX Runtime, in a process of their own."""

import multiprocessing
import resource
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

MOST_BYTES = 8 << 30


def _limit():
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _read(path):
    """Why a reader does not take the file; empty when both do."""
    import onnx
    import onnxruntime

    try:
        onnx.checker.check_model(path, full_check=True)
    except Exception as error:
        return f"onnx: {str(error)[:300]}"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    # Only whether it opens: what is computed beforehand costs as much as whoever made the network wants.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        return f"ONNX Runtime: {str(error)[:300]}"
    return ""


class OnnxReaders:
    def __init__(self):
        self.read = 0
        self._lock = threading.Lock()
        self._start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pool.shutdown()

    def _start(self):
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_limit)

    def objection(self, path):
        with self._lock:
            self.read += 1
            try:
                return self._pool.submit(_read, str(path)).result(timeout=120)
            except BrokenProcessPool:
                self._start()
                return "the readers' process died of it"

    def notes(self):
        return [f"{self.read} files written, all read by onnx and ONNX Runtime but for what is found"]
