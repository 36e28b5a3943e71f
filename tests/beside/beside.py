#!/usr/bin/python3
"""Lunette beside PyTorch, row by row: both make the same calls in turn, in one sitting.

usage: beside.py [--threads 1,2] [--rounds R] [--budget S] [--only REGEX] [--lunette build/lunette] FILE...

A row of FILE is `name | inputs | Lua [| Python]`. An input is `name:sizes` (a leaf of normal numbers),
with a mark before the sizes: `=` no gradient is wanted, `*` in float64, `+` numbers in 0.05..0.95, `?` a mask, `<N:`
integers below N, which count from 1 in Lua and from 0 in Python. `m = value -> body` makes m once.
Without a Python column the Lua text is read with `.` for `:`. `%` in name and bodies stands for each
word of the list that follows the name in parentheses.

Prints a line a row: times of a call in microseconds (the smallest), forward alone and forward and
backward together, and the ratio of PyTorch's to ours (above 1: Lunette is faster).
"""
import argparse, ctypes, math, os, re, subprocess, sys, time

ap = argparse.ArgumentParser()
ap.add_argument("--threads", default="1,2")
ap.add_argument("--rounds", type=int, default=3)
ap.add_argument("--budget", type=float, default=0.05)
ap.add_argument("--only", default="")
ap.add_argument("--lunette", default="build/lunette")
ap.add_argument("files", nargs="+")
args = ap.parse_args()
threads = [int(n) for n in args.threads.split(",")]
here = os.path.dirname(os.path.abspath(__file__))
if "BESIDE" not in os.environ:  # what a library reads when it is loaded must stand before
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    # Memory that glibc gives back and faults in again would slow PyTorch at random.
    os.environ.update(BESIDE="1", MALLOC_TRIM_THRESHOLD_="4000000000",
                      MALLOC_MMAP_THRESHOLD_="4000000000", MALLOC_TOP_PAD_="67108864")
    os.execv(sys.executable, [sys.executable] + sys.argv)

import torch
import torch.nn as nn
import torch.nn.functional as F


def rows(path):
    for line in open(path):
        line = line.split("#")[0].strip()
        if not line:
            continue
        cells = [c.strip() for c in re.split(r" \|(?: |$)", line)]
        name, _, words = cells[0].partition(" (")
        words = words.rstrip(")").split()
        python = cells[3] if len(cells) > 3 else re.sub(r"(?<=\w|\)):(?=[\w%])", ".", cells[2])
        for w in words or [""]:
            yield name.replace("%", w), cells[1], cells[2].replace("%", w), python.replace("%", w)


def value(text):
    m = re.match(r"<(\d+):(.*)", text)
    sizes = [int(n) for n in re.findall(r"\d+", m[2] if m else text)]
    if m:
        return torch.randint(int(m[1]), sizes)
    if text[0] == "?":
        return torch.rand(sizes) > 0.5
    if text[0] == "+":
        return (torch.rand(sizes) * 0.9 + 0.05).requires_grad_()
    dtype = torch.float64 if text[0] == "*" else torch.float32
    return torch.randn(sizes, requires_grad=text[0] != "=", dtype=dtype)


def sdpa(q, k, v, causal=False):
    s = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        s = s.masked_fill(torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).triu(1), -math.inf)
    return s.softmax(-1) @ v


def make(inputs, body):
    torch.manual_seed(1)
    env = {"torch": torch, "nn": nn, "F": F, "math": math, "inf": math.inf, "sdpa": sdpa, "true": True, "false": False}
    for name, text in (i.split(":", 1) for i in inputs.split()):
        env[name] = value(text)
    m = re.match(r"(\w+) = (.*?) -> (.*)", body)
    if m:
        env[m[1]] = eval(m[2], env)
        body = m[3]
    call = eval("lambda: " + body, env)
    leaves = [v for v in env.values() if isinstance(v, torch.Tensor)]
    for v in env.values():
        if isinstance(v, nn.Module):
            leaves += v.parameters()
    y = call()
    g = torch.randn_like(y) if isinstance(y, torch.Tensor) and y.requires_grad else None

    def forward():
        with torch.no_grad():
            return call()

    def both():
        call().backward(g)

    def clear():
        for p in leaves:
            p.grad = None
    return {"forward": forward, "both": both}, clear, g is not None


def measure(f, clear, budget):
    def batch(n):
        clear()
        t = time.perf_counter()
        for _ in range(n):
            f()
            clear()
        return (time.perf_counter() - t) / n
    batch(2)
    n = max(1, math.ceil(3e-4 / batch(1)))
    best, start = math.inf, time.perf_counter()
    while True:
        best = min(best, batch(n))
        if time.perf_counter() - start > budget:
            return 1e6 * best


ours = subprocess.Popen([args.lunette, os.path.join(here, "ours.lua")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        text=True, env={k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")})


def ask(line):
    ours.stdin.write(line + "\n")
    ours.stdin.flush()
    answer = ours.stdout.readline().strip()
    if not answer:
        sys.exit("Lunette's side stopped at: " + line)
    return answer


REST = 0.15  # seconds until OpenBLAS's own threads, which spin for some 0.13, leave the processors to ours


def compare(n, what, sides, clear):
    torch.set_num_threads(n)
    ctypes.CDLL("libopenblas.so.0").openblas_set_num_threads(n)
    clear = clear if what == "both" else lambda: None
    p = o = math.inf
    for _ in range(args.rounds):
        time.sleep(0.003)  # Lunette's threads fall asleep
        p = min(p, measure(sides[what], clear, args.budget))
        time.sleep(REST)
        o = min(o, float(ask(f"time {n} {what} {args.budget}")))
    return f"{o:11.2f} {p / o:6.2f}"


head = "".join(f" | {n} thread{'s' * (n > 1)}: forward {'':5s} forward+backward" for n in threads)
print(f"{'ours (us), ratio':24s}{head}", flush=True)
for path in args.files:
    for name, inputs, lua, python in rows(path):
        if not re.search(args.only, name):
            continue
        sides, clear, grads = make(inputs, python)
        grads = ask(f"row {name} {inputs}|{lua}") == "both" and grads
        cells = [compare(n, "forward", sides, lambda: None) + (compare(n, "both", sides, clear) if grads else " " * 18) for n in threads]
        print(f"{name:24s} | " + " | ".join(cells), flush=True)
