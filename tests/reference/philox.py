"""Philox4x32-10 written from Salmon et al. (2011), held against Random123's known answers; writes philox.json."""

import json
import pathlib
import platform

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
MASK = 0xFFFFFFFF


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        left, right = MULTIPLIERS[0] * c[0], MULTIPLIERS[1] * c[2]
        c = [(right >> 32) ^ c[1] ^ k[0], right & MASK, (left >> 32) ^ c[3] ^ k[1], left & MASK]
        k = [(word + weyl) & MASK for word, weyl in zip(k, WEYL)]
    return c


# The lines "philox4x32 10" of Random123's file kat_vectors: counter, key, output.
KNOWN = """
00000000 00000000 00000000 00000000 00000000 00000000 6627e8d5 e169c58d bc57ac4c 9b00dbd8
ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff 408f276d 41c83b0e a20bc7c6 6d5451fd
243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0 d16cfe09 94fdcceb 5001e420 24126ea1
"""

vectors = []
for known in KNOWN.strip().splitlines():
    words = known.split()
    vector = {"counter": words[:4], "key": words[4:6], "output": words[6:]}
    found = philox(*([int(word, 16) for word in vector[part]] for part in ("counter", "key")))
    assert [f"{word:08x}" for word in found] == vector["output"], (known, found)
    vectors.append(vector)

document = {"versions": {"python": platform.python_version()}, "vectors": vectors}
text = json.dumps(document, separators=(",", ":")) + "\n"
pathlib.Path(__file__).with_suffix(".json").write_text(text)
