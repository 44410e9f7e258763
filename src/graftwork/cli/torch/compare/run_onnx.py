"""python3 run_onnx.py FOLDER MODEL: runs an ONNX file on arrays.

FOLDER/request.json: {"inputs": [names], "batches": count, "values": [names]}; input i of batch b is in_b_i.npy there.
FOLDER/reply.json: {"outputs": [names], "values": [those that the file has]}; output k of batch b is out_b_k.npy, value
j on the first batch value_j.npy. Exit status 3: a package, or ONNX Runtime's kernel for an
operator, is missing, and the last line of standard output says which. The request is whole once standard input has a
byte; where that ends, so has whoever waits for the reply, and FOLDER is removed.
"""

import json
import os
import shutil
import sys
import threading

begun = threading.Event()


def follow_the_command():
    while os.read(0, 1):
        begun.set()
    try:
        # In this process's place: its other threads, which write to the folder, are gone then.
        os.execvp("rm", ["rm", "-rf", "--", sys.argv[1]])
    except OSError:  # there is none
        shutil.rmtree(sys.argv[1], ignore_errors=True)
        os._exit(0)


threading.Thread(target=follow_the_command, daemon=True).start()

try:
    import numpy as np
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel
except Exception as missing:  # whatever a package that is half installed raises
    print(f"{type(missing).__name__}: {missing}".splitlines()[0])
    sys.exit(3)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """(number, bytes) of the fields of a protobuf message that have a length."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        wire = key & 7
        if wire == 0:
            _, at = varint(data, at)
        elif wire == 2:
            length, at = varint(data, at)
            yield key >> 3, data[at : at + length]
            at += length
        else:
            at += {1: 8, 5: 4}[wire]


def field(number, data):
    head, length = bytes([number << 3 | 2]), len(data)
    while length > 127:
        head += bytes([length & 127 | 128])
        length >>= 7
    return head + bytes([length]) + data


def names_in(model):
    """Names of the values that the nodes of the main graph give."""
    names = set()
    graphs = [graph for number, graph in fields(memoryview(model)) if number == 7]
    for graph in graphs:
        for node in (message for number, message in fields(graph) if number == 1):
            names.update(bytes(name).decode() for number, name in fields(node) if number == 2)
    return names


def with_outputs(model, names):
    """The file with further outputs: messages that follow one another are one message."""
    return model + field(7, b"".join(field(12, field(1, name.encode())) for name in names))


def main():
    folder, path = sys.argv[1:]
    begun.wait()
    with open(os.path.join(folder, "request.json"), encoding="utf-8") as file:
        request = json.load(file)
    with open(path, "rb") as file:
        model = file.read()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    beside = os.path.dirname(os.path.abspath(path))
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", beside)

    def session(given):
        return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])

    try:
        plain = session(model)
    except NoKernel as lacking:
        print(f"ONNX Runtime lacks an operator of the file: {' '.join(str(lacking).split())}")
        sys.exit(3)
    outputs = [value.name for value in plain.get_outputs()]
    inputs = plain.get_inputs()
    given = request["inputs"]
    if len(inputs) != len(given):
        print(f"the file has {len(inputs)} inputs, the network {len(given)}")
        sys.exit(4)
    places = [given.index(value.name) if value.name in given else i for i, value in enumerate(inputs)]
    types = {"tensor(float16)": np.float16, "tensor(float)": np.float32, "tensor(double)": np.float64}

    def feed(batch):
        arrays = {}
        for value, place in zip(inputs, places, strict=True):
            array = np.load(os.path.join(folder, f"in_{batch}_{place}.npy"))
            arrays[value.name] = array.astype(types.get(value.type, array.dtype))
        return arrays

    def save(name, array):
        known = array.dtype.kind in "biuf" and array.dtype.itemsize <= 8
        np.save(os.path.join(folder, name), array if known else array.astype(np.float32))

    for batch in range(request["batches"]):
        for k, array in enumerate(plain.run(outputs, feed(batch))):
            save(f"out_{batch}_{k}.npy", np.asarray(array))
    present = names_in(model)
    values = [name for name in request["values"] if name in present]
    more = [name for name in values if name not in outputs]
    tapped = session(with_outputs(model, more)) if more else plain
    for j, array in enumerate(tapped.run(values, feed(0)) if values else ()):
        save(f"value_{j}.npy", np.asarray(array))
    part = os.path.join(folder, "reply.part")
    with open(part, "w", encoding="utf-8") as file:
        json.dump({"outputs": outputs, "values": values}, file)
    os.rename(part, os.path.join(folder, "reply.json"))


main()
threading.Event().wait()  # while the results are read
