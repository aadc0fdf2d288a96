"""The int8 network beside ONNX Runtime and PyTorch on this machine, in one run.

    python3 tests/compare.py [WIDTHS]        (default 784,512,512,784)
    python3 tests/compare.py training        steps of training, beside PyTorch
    python3 tests/compare.py torch WIDTHS BATCH [cpu]   PyTorch's on the GPU, eager and compiled: for tests/gpu.sh

Prints billions of multiply-accumulates a second; medians of rounds in which all take turns, each its fastest call (what
else the machine does only adds to a time). Whole samples are those of DDIM, the rival's in numpy around its network. Needs
`pip install numpy onnx onnxruntime`; PyTorch is measured where it is installed. What is missing is named.
The rivals' hidden layers have ReLU, the cheapest for them; ours interpolate whatever activation was trained.
"""

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 3
SECONDS = 0.7
# Of a whole sample, as in examples/throughput.rs.
EVALUATIONS = 5


def installed(name):
    found = importlib.util.find_spec(name) is not None
    if not found:
        print(f"not installed, so not measured: {name} (pip install {name})")
    return found


def measure(work):
    """Least seconds of one call."""
    work()
    least, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        before = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - before)
    return least


def onnx_models(widths, folder):
    """Paths of the float network and its two quantizations."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static

    random = np.random.default_rng(1)
    nodes, weights, last = [], [], "x"
    for i, (n, m) in enumerate(zip(widths, widths[1:])):
        matrix = (random.standard_normal((n, m)) / np.sqrt(n)).astype(np.float32)
        bias = random.standard_normal(m).astype(np.float32)
        weights += [numpy_helper.from_array(matrix, f"w{i}"), numpy_helper.from_array(bias, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [f"z{i}"]))
        last = f"z{i}"
        if i + 2 < len(widths):
            nodes.append(helper.make_node("Relu", [last], [f"y{i}"]))
            last = f"y{i}"
    value = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
    graph = helper.make_graph(nodes, "mlp", [value("x", widths[0])], [value(last, widths[-1])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    paths = [os.path.join(folder, f"{kind}.onnx") for kind in ["f32", "dynamic", "static"]]
    onnx.save(model, paths[0])

    class Reader(CalibrationDataReader):
        rows = iter([{"x": random.standard_normal((64, widths[0])).astype(np.float32)}] * 4)

        def get_next(self):
            return next(self.rows, None)

    quantize_dynamic(paths[0], paths[1], weight_type=QuantType.QInt8)
    quantize_static(paths[0], paths[2], Reader(), weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8)
    return dict(zip(["ONNX Runtime f32", "ONNX Runtime int8 dynamic", "ONNX Runtime int8 static"], paths))


def onnx_run(path, batch, threads, width):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    points = np.random.default_rng(2).standard_normal((batch, width)).astype(np.float32)
    return lambda x=points: session.run(None, {"x": x})


def ddim(run, batch, width):
    """Whole samples by the rival's network: EVALUATIONS steps x = a x + b eps from noise, in place."""
    import numpy as np

    random = np.random.default_rng(3)

    def work():
        x = random.standard_normal((batch, width), dtype=np.float32)
        for _ in range(EVALUATIONS):
            eps = run(x)[0]
            x *= np.float32(0.9)
            eps *= np.float32(0.1)
            x += eps

    return work


def torch_run(widths, batch, threads):
    import torch

    torch.set_num_threads(threads)
    layers = [module for n, m in zip(widths, widths[1:]) for module in (torch.nn.Linear(n, m), torch.nn.ReLU())]
    network, x = torch.nn.Sequential(*layers[:-1]).eval(), torch.randn(batch, widths[0])

    def work():
        with torch.inference_mode():
            network(x)

    return work


def torch_steps(widths, batch, threads, device="cpu", compiled=False):
    """Steps a second of denoising score matching with Adam; ours clips gradients and keeps an average besides."""
    import torch

    torch.set_num_threads(threads)
    torch.set_default_device(device)
    features, data = 20, torch.randn(1000, widths[0])
    sizes = [widths[0] + features] + widths[1:]
    layers = [module for n, m in zip(sizes, sizes[1:]) for module in (torch.nn.Linear(n, m), torch.nn.SiLU())]
    network = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    frequencies = torch.arange(features)

    def loss_of_batch():
        sigma = torch.exp(torch.rand(batch, 1) * 6.4 - 4.6)
        clean = data[torch.randint(len(data), (batch,))]
        noisy = clean + sigma * torch.randn_like(clean)
        variance = sigma * sigma + 1
        inputs = torch.cat([noisy / variance.sqrt(), torch.cos(frequencies * sigma.log())], 1)
        target = (clean - noisy / variance) * variance.sqrt() / sigma
        return ((network(inputs) - target) ** 2).mean()

    loss = torch.compile(loss_of_batch) if compiled else loss_of_batch

    def step():
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def torch_rates(text, batch, device):
    """Steps a second, eager and compiled, read back at the end only."""
    import torch

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    for compiled in [False, True]:
        step = torch_steps([int(width) for width in text.split(",")], batch, torch.get_num_threads(), device, compiled)
        [step() for _ in range(10)]
        wait()
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < 4 * SECONDS:
            [step() for _ in range(10)]
            wait()
            steps += 10
        print(f"{steps / (time.perf_counter() - start):.1f}", flush=True)


def training(root, target):
    torch = installed("torch")
    print("steps of training a second, float32; ours, PyTorch, ratio")
    program = build(root, target, "training")
    for text, batch in [("2,88,88,2", 512), ("784,512,512,784", 128)]:
        for threads in [1, 2]:
            mine, rival = [], []
            for _ in range(ROUNDS):
                arguments = [program, text, str(batch), str(threads)]
                mine.append(float(subprocess.check_output(arguments, text=True)))
                if torch:
                    widths = [int(width) for width in text.split(",")]
                    rival.append(1 / measure(torch_steps(widths, batch, threads)))
            figures = [statistics.median(values) for values in [mine, rival] if values]
            lead = f"{figures[0] / figures[-1]:8.2f}" if torch else ""
            print(f"  {text}, batch {batch}, threads {threads}", *(f"{value:9.1f}" for value in figures), lead)


def build(root, target, example):
    subprocess.check_call(["cargo", "build", "-q", "--release", "-p", "tests", "--example", example], cwd=root)
    return os.path.join(target, "release", "examples", example)


def ours(program, text, batch, threads, bits):
    arguments = [program, text, str(batch), str(threads), str(bits)]
    return [float(number) for number in subprocess.check_output(arguments, text=True).split()]


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(root, "target"))
    text = sys.argv[1] if len(sys.argv) > 1 else "784,512,512,784"
    if text == "torch":
        return torch_rates(sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else "cuda")
    if text == "training":
        return training(root, target)
    widths = [int(width) for width in text.split(",")]
    macs = sum(n * m for n, m in zip(widths, widths[1:]))
    program = build(root, target, "throughput")
    with tempfile.TemporaryDirectory() as folder:
        rivals = onnx_models(widths, folder) if installed("onnxruntime") and installed("onnx") else {}
        torch = installed("torch")
        print(f"{text}: {macs} multiply-accumulates; GMAC/s, and the least lead over ONNX Runtime int8")
        for threads in [1, 2]:
            for batch in [1, 64, 512]:
                figures = {}
                for _ in range(ROUNDS):
                    for bits in [8, 16]:
                        evaluation, sampling = ours(program, text, batch, threads, bits)
                        figures.setdefault(f"ours, {bits}-bit activations", []).append(evaluation)
                        figures.setdefault(f"ours, {bits}-bit, whole samples", []).append(sampling)
                    for name, path in rivals.items():
                        run = onnx_run(path, batch, threads, widths[0])
                        figures.setdefault(name, []).append(batch * macs / measure(run) * 1e-9)
                        if widths[0] == widths[-1] and "int8" in name:
                            seconds = measure(ddim(run, batch, widths[0])) / EVALUATIONS
                            figures.setdefault(f"{name}, whole samples", []).append(batch * macs / seconds * 1e-9)
                    if torch:
                        seconds = measure(torch_run(widths, batch, threads))
                        figures.setdefault("PyTorch f32", []).append(batch * macs / seconds * 1e-9)
                figures = {name: statistics.median(values) for name, values in figures.items()}
                print(f"threads {threads}, batch {batch}")
                for name, value in figures.items():
                    print(f"  {name:<40}{value:8.1f}")
                for mine, ending in [("ours, 8-bit activations", ("dynamic", "static")), ("ours, 8-bit, whole samples", "samples")]:
                    int8 = [value for name, value in figures.items() if "ONNX" in name and name.endswith(ending)]
                    if int8:
                        print(f"  {'lead, ' + mine[6:]:<40}{figures[mine] / max(int8):8.2f}")


if __name__ == "__main__":
    main()
