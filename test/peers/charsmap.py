"""A precompiled_charsmap in the format of SentencePiece, from a dictionary of replacements."""

import base64
import struct
import unicodedata


def precompiled_charsmap(replacements):
    """Base64 of a Darts-clone trie over UTF-8 and the texts that its leaves point to."""
    texts, at = b"", {}
    for text in dict.fromkeys(replacements.values()):
        at[text] = len(texts)
        texts += text.encode() + b"\0"
    root = {}
    for source, text in replacements.items():
        node = root
        for byte in source.encode():
            node = node.setdefault(byte, {})
        node[0] = at[text]
    units, used = {}, {0}
    waiting = [(0, root, 0)]
    free = 1
    while waiting:
        place, node, label = waiting.pop()
        while free in used:
            free += 1
        base = free
        while any(base ^ child in used for child in node):
            base += 1
        used.update(base ^ child for child in node)
        units[place] = label | (0 in node) << 8 | (place ^ base) << 10
        if 0 in node:
            units[base] = node[0] | 1 << 31
        waiting += [(base ^ byte, child, byte) for byte, child in node.items() if byte != 0]
    # Readers look at every place that differs in a byte.
    array = [units.get(i, 0) for i in range((max(units) | 0xFF) + 1)]
    return base64.b64encode(struct.pack("<I", 4 * len(array)) + struct.pack(f"<{len(array)}I", *array) + texts).decode()


def nmt_nfkc(codes=range(1, 0x30000)):
    """Of NFKC, and of white space and controls as SentencePiece has them: much of what its own nmt_nfkc replaces."""
    replacements = {}
    for code in codes:
        character = chr(code)
        if unicodedata.category(character) in ("Cs", "Cn"):
            continue
        normal = unicodedata.normalize("NFKC", character)
        if normal != character:
            replacements[character] = normal
        decomposed = unicodedata.normalize("NFD", character)
        if len(decomposed) > 1 and unicodedata.normalize("NFKC", decomposed) == normal:
            replacements[decomposed] = normal
    for code in [*range(1, 9), 0xB, *range(0xE, 0x20), 0x7F, 0x8F, 0x9F]:
        replacements[chr(code)] = ""
    for code in [9, 0xA, 0xC, 0xD, 0x1680, *range(0x200B, 0x2010), 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD]:
        replacements[chr(code)] = " "
    return precompiled_charsmap(replacements)
