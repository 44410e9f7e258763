"""Exported programs with a few things exchanged: JSON, archive, weights. Each is opened, and what opens is transformed,
planned, run, quantized and sometimes compared.

Nothing ends by a signal or as a defect, opening stays within its bounds, what is refused leaves nothing behind, and
every file that is written is one that onnx's checker and ONNX Runtime take.
"""

import json
import shutil

from attack.frame import KEPT
from attack.honest_archives import entries_of, is_program, packed
from attack.honest_networks import honest_networks
from attack.mutate_archive import mutate_bytes, mutate_entries
from attack.mutate_program import Pool, mutate
from attack.onnx_readers import OnnxReaders

COUNT = 10_000
SHARD = 60

#: Of what opens: the command lines that meet it, and how many of the files meet each.
COMMANDS = (
    (("transform", "-o", "m.gir"), 1.0),
    (("plan", "--quantize", "-o", "plan.json"), 0.5),
    (("run", "--input", "x.npz", "-o", "y.npz"), 1.0),
    (("quantize", "--calibrate", "x.npz", "--limit", "2", "--quiet", "-o", "m.onnx"), 1.0),
    (("compare", "--data", "x.npz", "--stage", "transformed"), 0.1),
)


class Mutants:
    """Honest networks taken apart, and files made of them again."""

    def __init__(self):
        import torch

        self.networks = honest_networks(KEPT)
        schemas = [
            schema for schema in torch._C._jit_get_all_schemas() if schema.name.startswith(("aten::", "prims::"))
        ]
        names = {f"{s.name.replace('::', '.')}.{s.overload_name or 'default'}" for s in schemas}
        self.pool = Pool(operators=sorted(f"torch.ops.{name}" for name in names))
        self.entries = {network.name: entries_of(network.model) for network in self.networks}
        for entries in self.entries.values():
            for name, body in entries:
                if is_program(name):
                    self.pool.add(json.loads(body))

    def make(self, chance):
        """(network, bytes) of a mutant."""
        network = chance.choice(self.networks)
        entries = [list(entry) for entry in self.entries[network.name]]
        kind = chance.random()
        programs = [entry for entry in entries if is_program(entry[0])]
        if kind < 0.8 and programs:
            program = json.loads(programs[0][1])
            mutate(program, chance, self.pool)
            programs[0][1] = json.dumps(program).encode()
        elif kind < 0.95:
            for _ in range(chance.choice((1, 1, 2, 3))):
                mutate_entries(entries, chance)
        archive = packed(entries)
        return network, archive if 0.05 <= kind < 0.95 else mutate_bytes(archive, chance)


def attack(run):
    mutants = Mutants()
    with OnnxReaders() as readers:

        def meet(command, folder, case):
            chance = run.random(case)
            network, archive = mutants.make(chance)
            model = f"m{network.model.suffix}"
            shutil.copy(network.samples, folder / "x.npz")
            (folder / model).write_bytes(archive)
            # Code that a file brings is what the process of its own is for; what it takes is its own affair.
            options = network.options or ("--no-isolation",)
            opened = command("inspect", model, *options)
            bytes_opened = None if network.options else len(archive)
            statuses = (0, 1, 2) if network.options else (0, 1)  # options that are for no other file are misused
            is_well = run.judge(case, opened, folder, opened=bytes_opened, statuses=statuses)
            if opened.status != 0 or not is_well:
                return
            for (name, *arguments), share in COMMANDS:
                if chance.random() >= share:
                    continue
                answer = command(name, model, *arguments, *options)
                is_well &= run.judge(case, answer, folder)
                left = sorted(path.name for path in folder.iterdir() if path.name not in ("x.npz", model))
                if answer.status != 0 and left:
                    run.find(case, "left behind", f"{name} left {', '.join(left)}", folder)
                if name == "quantize" and answer.status == 0 and (objection := readers.objection(folder / "m.onnx")):
                    run.find(case, "unreadable file", objection, folder)
                for other in left:
                    (folder / other).unlink()

        run.in_servers(meet, OMP_NUM_THREADS="1")
        run.notes.extend(readers.notes())
