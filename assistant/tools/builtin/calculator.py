"""A calculator: an expression is parsed, never executed, and what it may cost is bounded.

Whole numbers are exact up to 4,096 bits; all others are double precision, shown to 15 digits.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from assistant.tools.builtin.tool import Arguments, Builtin, Use
from assistant.tools.errors import ToolFailed

Number = int | float
LONGEST = 500
MOST_BITS = 4096
LARGEST_FACTORIAL = 450
MOST_ARGUMENTS = 200
# A caret is something else to Python; the others are the signs for times, divided by, and minus.
AS_WRITTEN = str.maketrans({"^": "**", "\u00d7": "*", "\u00f7": "/", "\u2212": "-"})


class Sum(Arguments):
    expression: str = Field(
        max_length=LONGEST, description="for example (3 + 4) * 2 ** 0.5, or round(100 / 7, 2)"
    )


def calculate(use: Use, asked: Sum) -> str:
    return f"{asked.expression.strip()} = {shown(evaluate(asked.expression))}"


def evaluate(expression: str) -> Number:
    """
    Raises:
        ToolFailed: it is no arithmetic, or more than is reckoned with here.
    """
    text = expression.strip().translate(AS_WRITTEN)
    if len(text) > 2 * LONGEST:
        raise ToolFailed(f"The expression is longer than {LONGEST} characters.")
    try:
        tree = ast.parse(text, mode="eval")
        return _value(tree.body)
    except ZeroDivisionError:
        raise ToolFailed("It divides by zero.") from None
    except OverflowError:
        raise ToolFailed("The result is too large.") from None
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise ToolFailed(f"This can't be calculated: {_why(error)}.") from None


def shown(value: Number) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.15g}"


def _why(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"it is no arithmetic expression ({error.msg})"
    return str(error) or "it is too deeply nested"


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _bounded(value)
        case ast.Name(id=name) if name in CONSTANTS:
            return CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in SIGNS:
            return SIGNS[type(op)](_value(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            return _bounded(OPERATIONS[type(op)](_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return _bounded(_call(name, args))
        case ast.Name(id=name):
            raise ValueError(f"“{name}” is no number that is known")
        case ast.Call(func=ast.Name(id=name)):
            raise ValueError(f"there is no function “{name}” for these arguments")
        case _:
            raise ValueError("only numbers, + - * / // % **, brackets and functions are allowed")


def _call(name: str, args: list[ast.expr]) -> Number:
    if len(args) > MOST_ARGUMENTS or any(isinstance(each, ast.Starred) for each in args):
        raise ValueError(f"“{name}” has arguments of another kind")
    values = [_value(each) for each in args]
    try:
        return FUNCTIONS[name](*values)
    except TypeError:
        raise ValueError(f"“{name}” takes other arguments than these") from None


def _bounded(value: Any) -> Number:
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise OverflowError
    if isinstance(value, complex):
        raise ValueError("the result is not a real number")
    if isinstance(value, float) and math.isinf(value):
        raise OverflowError
    if isinstance(value, float) and math.isnan(value):
        raise ValueError("the result is not a number")
    return value  # type: ignore[no-any-return]


def _power(base: Number, exponent: Number) -> Any:
    whole = isinstance(base, int) and isinstance(exponent, int)
    # Bounded before it is computed: 9**9**9 would fill the memory.
    if whole and exponent > 0 and base.bit_length() * exponent > 2 * MOST_BITS:  # type: ignore[union-attr]
        raise OverflowError
    return base**exponent


def _factorial(number: Number) -> int:
    if not isinstance(number, int) or not 0 <= number <= LARGEST_FACTORIAL:
        raise ValueError(f"factorial takes whole numbers from 0 to {LARGEST_FACTORIAL}")
    return math.factorial(number)


def _round(number: Number, digits: int = 0) -> Number:
    if not isinstance(digits, int) or abs(digits) > MOST_BITS:
        raise ValueError("round takes a whole number of digits")
    return round(number, digits) if digits else round(number)


CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}
SIGNS: Mapping[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
OPERATIONS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "abs": abs,
    "ceil": math.ceil,
    "cos": math.cos,
    "degrees": math.degrees,
    "exp": math.exp,
    "factorial": _factorial,
    "floor": math.floor,
    "gcd": lambda *numbers: math.gcd(*numbers),
    "lcm": lambda *numbers: math.lcm(*numbers),
    "ln": lambda number: math.log(number),
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": lambda *numbers: max(numbers),
    "min": lambda *numbers: min(numbers),
    "radians": math.radians,
    "round": _round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "sum": lambda *numbers: sum(numbers),
    "tan": math.tan,
}

CALCULATOR = Builtin(
    "calculator",
    "Calculates an arithmetic expression exactly. Use it for every sum.",
    Sum,
    calculate,
)
