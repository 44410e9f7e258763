"""Mutations of an archive: entries cut, exchanged, repeated and flipped, and weights that no training gives."""

import json
import struct

from attack.mutate_program import INTEGERS, JUNK, TYPES, is_integer, places

#: What replaces four bytes of a weight: numbers at the edges of FP32.
WORDS = [
    struct.pack("<f", number)
    for number in (0.0, -0.0, 1e-45, 1e-38, 65504.0, 65536.0, 3.4e38, float("inf"), -float("inf"), float("nan"))
]


def mutate_entries(entries, chance):
    """One mutation of a list of [name, bytes]; checksums will be right."""
    mutation = chance.choices([mutation for mutation, _ in _TABLE], [weight for _, weight in _TABLE])[0]
    try:
        mutation(entries, chance)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return  # an earlier mutation has removed what this one looks for, or there never was any


def mutate_bytes(archive, chance):
    """The file as a whole: cut, grown or flipped, wherever it may be."""
    kind, at = chance.random(), chance.randrange(len(archive))
    if kind < 0.25:
        return archive[:at]
    if kind < 0.4:
        return archive + archive[at:]
    if kind < 0.5:
        return archive[at:] + archive[:at]
    flipped = bytearray(archive)
    end = len(flipped)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        # Half of all in the directory, which says where everything lies.
        at = chance.randrange(max(0, end - 1500), end) if chance.random() < 0.5 else chance.randrange(end)
        flipped[at] = chance.choice((0, 255, flipped[at] ^ (1 << chance.randrange(8))))
    return bytes(flipped)


def _flip(body, chance):
    flipped = bytearray(body)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(len(flipped))
        flipped[at] = chance.choice((flipped[at] ^ (1 << chance.randrange(8)), 0, 255, ord("9"), ord("-"), ord('"')))
    return bytes(flipped)


def flipped_entry(entries, chance):
    entry = chance.choice([entry for entry in entries if entry[1]])
    entry[1] = _flip(entry[1], chance)


def cut_entry(entries, chance):
    entry = chance.choice(entries)
    entry[1] = entry[1][: chance.randrange(len(entry[1]) + 1)]


def long_entry(entries, chance):
    entry = chance.choice(entries)
    entry[1] += chance.choice((entry[1], bytes(1000), b"}"))


def entries_exchanged(entries, chance):
    a, b = chance.choice(entries), chance.choice(entries)
    a[1], b[1] = b[1], a[1]


def missing_entry(entries, chance):
    entries.remove(chance.choice(entries))


def repeated_entry(entries, chance):
    name, body = chance.choice(entries)
    entries.append([chance.choice((name, name + "x", name.upper(), "other/" + name)), body])


def renamed_entry(entries, chance):
    entry = chance.choice(entries)
    entry[0] = chance.choice(
        (entry[0] + "x", "../" + entry[0], "/" + entry[0], "", "a" * 3000, entry[0].split("/")[-1])
    )


def odd_weights(entries, chance):
    weights = [entry for entry in entries if "/weight" in entry[0] and len(entry[1]) >= 4 and "config" not in entry[0]]
    if not weights:
        return
    entry = chance.choice(weights)
    words = [entry[1][i : i + 4] for i in range(0, len(entry[1]), 4)]
    odd = chance.choice(WORDS)
    for at in range(len(words)) if chance.random() < 0.4 else chance.choices(range(len(words)), k=3):
        words[at] = odd
    entry[1] = b"".join(words)


def places_of_weights(entries, chance):
    """The JSON that says where weights lie, and what they are."""
    config = chance.choice([entry for entry in entries if entry[0].endswith("_config.json")])
    table = json.loads(config[1])
    records = table["config"]
    if not records or chance.random() < 0.1:
        spots = places(table, lambda *_: True)
        within, key = chance.choice(spots)
        within[key] = chance.choice(JUNK)
    else:
        names, kind = list(records), chance.random()
        record = records[chance.choice(names)]
        if kind < 0.3:
            record["path_name"] = chance.choice([other["path_name"] for other in records.values()] + ["", "../x", "x"])
        elif kind < 0.4:
            record[chance.choice(("is_param", "use_pickle"))] = chance.choice((True, False, None, 1))
        elif kind < 0.5:
            records[chance.choice(names)] = records.pop(chance.choice(names))
        elif kind < 0.65:
            record["tensor_meta"]["dtype"] = chance.choice(TYPES)
        else:
            numbers = places(record["tensor_meta"], lambda key, value: is_integer(key, value) and key == "as_int")
            within, key = chance.choice(numbers)
            within[key] = chance.choice(INTEGERS)
    config[1] = json.dumps(table).encode()


_TABLE = (
    (flipped_entry, 8), (cut_entry, 3), (long_entry, 2), (entries_exchanged, 2), (missing_entry, 1),
    (repeated_entry, 2), (renamed_entry, 2), (odd_weights, 5), (places_of_weights, 8),
)  # fmt: skip
