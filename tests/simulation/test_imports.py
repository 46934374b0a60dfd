import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = [path.stem for path in HERE.glob("*.py") if not path.stem.startswith("test_")]


@pytest.mark.parametrize("module", MODULES)
def test_simulated_people_know_nothing_of_the_product(module):
    code = (
        f"import sys, tests.simulation.{module}\n"
        "print(*{name.split('.')[0] for name in sys.modules} & "
        "{'assistant', 'learning', 'inference', 'django'})"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
