"""Captions, and strings that no caption should be: emoji, marks, controls, what NFKC changes, very long words."""

import random
import unicodedata

WORDS = (
    "a the dog cat photo of on grass red blue small bird sits running people street city Über naïve café façade 12 345 "
    "2024 it's don't we'll I'm hello world Straße ΑΣ ΟΔΟΣ привет мир 猫 狗 犬が走る 東京 한국어 안녕 हेलो नमस्ते สวัสดี عربي שלום 😀 👨‍👩‍👧 "
    "🇩🇪 ﬁne ①② ｆｕｌｌ ½ x² e\u0301 ... !? (a) [b] {c} $5 100% foo_bar http://a.b/c"
).split(" ")
POOL = [
    *map(chr, range(0x20, 0x7F)),
    *map(chr, range(0xA0, 0x250)),
    *"\t\n\r\x00\x01\x1f\x7f\x85\u2028\u200b\u200d\ufeff\u3000\u00ad\u0301\u0308\u0345\u1100\u1161\u11a8가각힣",
    *"ﬁﬂ①½²㎏ｱﾞ々〆ヶゞ゙ぱ猫狗東京漢字𠀀𪜀豈Σİǅß~～\u0e33\u0f77\ufdfa𝐀\u2126＿",
    *("👍🏽", "👨‍👩‍👧‍👦", "🇩🇪", "❤️", "क्षि", "ก็", "\r\n", "▁", "▁▁", "ΑΣ", "\u1e9b\u0323", "&amp;", "&lt;b&gt;", "schÃ¶n", "_"),
    *("<pad>", "</s>", "<unk>", "<s>", "[CLS]", "[SEP]", "<mask>", " <mask> ", "newtok", "Ünew", "<x>", " ", "  ", "   "),
]
FIXED = [" ", "  ", "▁", "</s>", "a</s> b", "  two  spaces  ", "x" * 300, "日本" * 60, "e" + "\u0301" * 40, "A B C\tD\nE"]


def sentence(draw):
    return " ".join(draw.choice(WORDS) for _ in range(draw.randint(1, 12)))


def pieces(draw, longest):
    return "".join(draw.choice(POOL) for _ in range(draw.randint(1, longest)))


def code_points(draw):
    """Of the oldest version that Python knows: younger ones are letters to some and unknown to others."""
    text = ""
    while len(text) < draw.randint(1, 12):
        character = chr(draw.choice([draw.randrange(0x20, 0xD800), draw.randrange(0xE000, 0x30000)]))
        if unicodedata.ucd_3_2_0.category(character) not in ("Cn", "Co"):
            text += character
    return text


def strings(count, seed=1):
    draw = random.Random(seed)
    kinds = [
        lambda: sentence(draw),
        lambda: pieces(draw, 25),
        lambda: " ".join(draw.choice([sentence(draw), pieces(draw, 6)]) for _ in range(3)),
        lambda: code_points(draw),
    ]
    longest = ["y" * 5000, "東京" * 2000, " ".join("word" for _ in range(3000))] if count >= 1000 else []
    return FIXED + longest + [draw.choice(kinds)() for _ in range(count)]


def corpus():
    draw = random.Random(0)
    return [sentence(draw) for _ in range(3000)]
