"""Takes the results of the study of heads and stages into the repository: page, CSV, JSON, and the tables of its text.

::

    python docs/studies/head_and_stages.py        # in the folder where the commands of head-and-stages.md were given

The study is the one that the last command of head-and-stages.md names. Nothing is trained: run that command first. The
page is written with a drawing of the curves instead of interactive ones, so that it stays small.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plic.core.ablation import gather, plan, write_study
from plic.core.commandline.training import ablate
from plic.core.commands.ablating import settings_of

HERE = Path(__file__).resolve().parent
TEXT, RESULTS = HERE / "head-and-stages.md", HERE / "head-and-stages"
NOT_OF_A_STUDY = ("engine", "dry_run", "static", "ray_address", "ray_cpus", "ray_gpus")
CELLS = """\
| head | stages | BD-rate, PSNR | BD-rate, MS-SSIM | parameters | MACs per pixel, enc. | dec. | seconds, enc. | dec. |
|---|---|---|---|---|---|---|---|---|
"""
EFFECTS = """\
| swap | value | mean BD-rate, PSNR | from the first value | mean BD-rate, MS-SSIM | from the first value |
|---|---|---|---|---|---|
"""


def main() -> None:
    """Write all of it."""
    text = TEXT.read_text(encoding="utf-8")
    gathered = gather(plan(settings_of(**options(text))))
    *_, data = write_study(gathered, RESULTS, interactive=False)
    found = json.loads(data.read_text(encoding="utf-8"))
    for name, table in (("cells", cells_table(found)), ("effects", effects_table(found))):
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end -->)", rf"\g<1>{table}\g<2>", text, flags=re.DOTALL)
    TEXT.write_text(text, encoding="utf-8")


def options(text: str) -> dict[str, Any]:
    """Arguments of `settings_of`, by the last command of the text."""
    block = re.findall(r"```console\n(.*?)```", text, re.DOTALL)[-1].replace("\\\n", " ")
    last = block.split("$ ")[-1]
    context = ablate.make_context("ablate", shlex.split(last)[2:])
    return {name: value for name, value in context.params.items() if name not in NOT_OF_A_STUDY}


def cells_table(found: dict[str, Any]) -> str:
    """A line for each combination, in the order of heads and stages."""
    swaps = found["swaps"]
    order = {name: list(values) for name, values in swaps.items()}
    cells = sorted(found["cells"], key=lambda cell: [order[k].index(v) for k, v in choices(cell).items()])
    return CELLS + "".join(map(cell_line, cells))


def choices(cell: dict[str, Any]) -> dict[str, str]:
    """Values of the swaps; those of the base are in the label of the combination that amounts to it."""
    if cell["choices"]:
        return dict(cell["choices"])
    return dict(part.split("=", 1) for part in cell["also"][0].split(", "))


def cell_line(cell: dict[str, Any]) -> str:
    """A line of the first table."""
    facts, points = cell["facts"], cell["mean"]
    seconds = [mean(points, f"{what}_seconds") for what in ("encode", "decode")]
    columns = [
        *choices(cell).values(),
        *(figure(cell["bd_rate"][metric]) for metric in ("psnr", "ms_ssim")),
        f"{facts['parameters']:,}",
        *(f"{facts[f'{what}_macs']:,.0f}" for what in ("encode", "decode")),
        *(f"{value:.2f}" if points else "" for value in seconds),
    ]
    return line(columns)


def effects_table(found: dict[str, Any]) -> str:
    """A line for each value of each swap."""
    return EFFECTS + "".join(line(list(effect_columns(one))) for one in found["effects"]["of"])


def effect_columns(effect: dict[str, Any]) -> Iterator[str]:
    """Of a line of the second table."""
    yield from (effect["swap"], effect["value"])
    for metric in ("psnr", "ms_ssim"):
        yield figure(effect["bd_rate"][metric])
        yield figure(effect["from_first_value"][metric], " points")


def figure(found: dict[str, Any], unit: str = " %") -> str:
    """A difference with its spread, or why there is none."""
    if "reason" in found:
        return str(found["reason"])
    spread = "" if found["spread"] is None else f" ± {found['spread']:.1f}"
    within = ", within the spread" if found["within_spread"] else ""
    return f"{found['mean']:+.1f}{spread}{unit}{within}"


def mean(points: list[dict[str, Any]], key: str) -> float:
    """Over the qualities; 0 where there are none."""
    return float(sum(point[key] for point in points)) / max(1, len(points))


def line(columns: list[str]) -> str:
    """Of a table."""
    return f"| {' | '.join(columns)} |\n"


if __name__ == "__main__":
    main()
