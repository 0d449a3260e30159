"""What the files in C and in CUDA have in common: names, the comment at the head, the points."""

from __future__ import annotations

from collections.abc import Sequence

from actsearch.errors import BadInput
from actsearch.export.activation import Activation
from actsearch.export.plain_facts import plain_facts
from actsearch.export.points import Point
from actsearch.export.text import in_c_comment, wrapped

_KEYWORDS = """
    alignas alignof and_eq asm auto bitand bitor bool case catch char co_await co_return co_yield
    compl concept const const_cast consteval constexpr constinit decltype default delete do double
    dynamic_cast enum explicit export extern float friend goto inline int long mutable namespace new
    noexcept not_eq operator or_eq private protected public register reinterpret_cast requires
    restrict short signed sizeof static static_assert static_cast struct switch template this
    thread_local throw true false typedef typeid typename typeof typeof_unqual union unsigned using
    virtual void volatile wchar_t xor xor_eq nullptr linux unix i386
"""
_MATH = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh drem erf erfc exp exp10 exp2
    expm1 fabs fdim finite floor fma fmax fmin fmod frexp gamma hypot ilogb isinf isnan j0 j1 jn
    ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint nextafter
    nexttoward pow remainder remquo rint round scalb scalbln scalbn significand sin sincos sinh sqrt
    tan tanh tgamma trunc y0 y1 yn isfinite isnormal signbit fpclassify signgam roundeven fmaximum
    fminimum fadd fsub fmul fdiv fsqrt ffma
"""
_LIBRARY = """
    abort abs atexit atof atoi atol bsearch calloc div exit free getenv index labs ldiv main malloc
    memchr memcmp memcpy memmove memset mempcpy perror printf puts putc qsort rand random read
    realloc remove rename rewind rindex scanf select signal size_t sprintf srand stderr stdin stdout
    stpcpy strcat strchr strcmp strcpy strlen strncpy strtod swab system time tmpfile ungetc write
    clock close dup link open pause pipe sleep sync wait INFINITY NAN HUGE_VAL NULL EOF BUFSIZ
"""
_CUDA = """
    cyl_bessel_i0 cyl_bessel_i1 erfcinv erfcx erfinv exp10 half max min mul24 norm norm3d norm4d
    normcdf normcdfinv rcbrt rhypot rnorm rsqrt saturate sincospi sinpi cospi tanpi threadIdx
    blockIdx blockDim gridDim warpSize dim3 clamp
"""
#: What the functions of the files call their own values.
_LOCAL = "in at i k n t points back grid stream gradient epsilon smallest"
_TAKEN = {word for text in (_KEYWORDS, _MATH, _LIBRARY, _CUDA, _LOCAL) for word in text.split()}
_TAKEN |= {word + end for word in _MATH.split() for end in "fl"}
#: Headers that a compiler might find our file in place of, on disks that know no capitals.
_HEADERS = set(
    """
    assert complex cstring cuda cuda_runtime ctype errno fenv float inttypes limits locale math
    memory setjmp signal stdarg stdbool stddef stdint stdio stdlib string strings tgmath time
    unistd wchar
    """.split()
)


def check_name(name: str) -> None:
    """Refuse a name that C, C++ or CUDA give another meaning.

    Raises:
        BadInput: It has one; the message has a name that is free.
    """
    taken = name in _TAKEN or f"{name}f" in _TAKEN or name.lower() in _HEADERS
    if taken or "__" in name:
        free = "my_" + "_".join(part for part in name.split("_") if part)
        raise BadInput(f"'{name}' means something else in C, C++ or CUDA; try {free}")


def comment(activation: Activation, uses: str) -> str:
    """Return the comment at the head of a file: all that is known of the function.

    Args:
        activation: The function.
        uses: What the file needs and how it is used, in paragraphs of our own.
    """
    # Without LaTeX, whose backslashes do not belong in C.
    plain = plain_facts(activation, latex=False)
    rows = [in_c_comment(row) for row in plain.split("\n")]
    for part in (one.strip("\n") for one in uses.split("\n\n") if one.strip()):
        rows += ["", *(part if part.startswith("    ") else wrapped(part, hanging="")).split("\n")]
    return "/* " + "\n".join(f"   {row}".rstrip() for row in rows).lstrip() + " */"


def point_rows(points: Sequence[Point]) -> str:
    """Return points as the rows of an array; of none a row of zeros, as C has no empty array."""
    rows = [
        "    {" + ", ".join(map(_array, (p.arguments, (p.value, *p.slopes), p.slack))) + "},"
        for p in points
    ]
    return "\n".join(rows or ["    {{0}, {0}, {0}},"])


def _array(values: Sequence[float]) -> str:
    return "{" + ", ".join(map(repr, values)) + "}"
