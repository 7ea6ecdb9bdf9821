"""What is run, for how long, and on which sizes."""

from dataclasses import dataclass, replace

# In order, with the weight of each: what time is left is shared out by the weights of the stages that are still to come. Those
# with a True say whether the code is right: to be cut is to fail, so they may take half as much again.
STAGES = {
    "device": (25, False),
    "conformance": (110, True),
    "sessions": (50, True),
    "goldens": (30, True),
    "bits": (25, True),
    "steps": (300, False),
    "profile": (30, False),
    "loss": (80, False),
    "attention": (30, False),
    "sanitizer": (60, False),
    "own": (30, False),
}
DEVICE_SECONDS = 90  # of the first stage at most, without which nothing else can run: torch is imported from a cold disk there


def seconds_of(name, later, left):
    """Of a stage, before the stages `later`, when so many seconds are left."""
    if name == "device":
        return min(DEVICE_SECONDS, left)
    weight, of_code = STAGES[name]
    share = left * weight / (weight + sum(STAGES[other][0] for other in later))
    return min(left, 1.5 * share if of_code else share)


@dataclass(frozen=True)
class Step:
    model: str
    batch: int
    precision: str = "bf16"
    tokens: int = 20


@dataclass(frozen=True)
class Plan:
    steps: tuple
    losses: tuple  # pairs, width, type of the products
    attentions: tuple  # name, then the arguments of ops_bench
    rounds: int
    step_repeats: int
    op_repeats: int
    conformance: str  # filters of GoogleTest
    sessions: str
    bits: str
    goldens: str
    sanitized: tuple  # tool, program, filter
    own: str  # as conformance
    products: tuple  # name, then rows, inputs, outputs and type, for ops_bench


CARD = "cuda:0"
SESSIONS = "Backends/*-Backends/GoldenTest*:Backends/RepeatTest*"
SMALL_SESSION = "Backends/SessionTest.CheckpointingGivesTheSameBits/*causal"
SMALL_CASES = "*Conformance*heads2x64*bf16:*Conformance*info_nce*:*Conformance*sigmoid_loss*:*Conformance*layer_norm*bf16"

FULL = Plan(
    steps=(Step("ViT-B-32", 1024), Step("ViT-L-14", 256)),
    losses=((4096, 512, "bf16"), (16384, 512, "f32"), (16384, 512, "bf16"), (65536, 512, "bf16")),
    # The towers of ViT-B/32 and L/14: pictures, and captions of 20 tokens and of the whole context.
    attentions=(
        ("ViT-B-32 pictures", (1024, 50, 12, 64, "bidirectional", "bf16")),
        ("ViT-L-14 pictures", (256, 257, 16, 64, "bidirectional", "bf16")),
        ("captions", (1024, 20, 8, 64, "causal", "bf16")),
        ("captions of 77", (1024, 77, 8, 64, "causal", "bf16")),
    ),
    rounds=3,
    step_repeats=20,
    op_repeats=20,
    conformance="*",
    sessions=SESSIONS,
    bits="Backends/RepeatTest*:Backends/SessionTest.TheSameSeed*",
    goldens="Backends/GoldenTest*",
    sanitized=(
        ("memcheck", "conformance_cuda", SMALL_CASES),
        *((tool, "units_cuda", SMALL_SESSION) for tool in ("memcheck", "racecheck", "synccheck", "initcheck")),
    ),
    own="*Conformance*linear*bf16*:*Conformance*linear*f16*",
    # The products of the steps above, by what they make of a block's rows: qkv, attention's output, and both of the MLP.
    products=tuple(
        (f"{model} {what}", (rows, inputs * width, outputs * width, "bf16"))
        for model, rows, width in (
            ("ViT-B-32 pictures", 51200, 768), ("ViT-B-32 captions", 20480, 512),
            ("ViT-L-14 pictures", 65792, 1024), ("ViT-L-14 captions", 5120, 768),
        )
        for what, inputs, outputs in (("qkv", 1, 3), ("out", 1, 1), ("fc1", 1, 4), ("fc2", 4, 1))
    ),
)

THOROUGH_SANITIZED = (
    ("memcheck", "conformance_cuda", "*"),
    *((tool, "units_cuda", "Backends/*-Backends/GoldenTest*") for tool in ("memcheck", "racecheck", "synccheck", "initcheck")),
)

SMALL = Plan(
    steps=(Step("ViT-tiny-test", 4, tokens=6),),
    losses=((64, 32, "bf16"),),
    attentions=(("small", (2, 5, 2, 16, "causal", "bf16")),),
    rounds=1,
    step_repeats=1,
    op_repeats=1,
    conformance="elements/*f32:rows/*f32",
    sessions="Backends/SessionTest.MicroBatches*causal",
    bits="Backends/SessionTest.CheckpointingGivesTheSameBits/*causal",
    goldens="Backends/GoldenTest.Encodes*",
    sanitized=(("memcheck", "conformance_cuda", "elements/*tanh*f32"),),
    own="*Conformance*linear_T1_*bf16*",
    products=(("small", (16, 32, 24, "bf16")),),
)


def chosen(small, thorough):
    plan = SMALL if small else FULL
    return replace(plan, sanitized=THOROUGH_SANITIZED) if thorough else plan
