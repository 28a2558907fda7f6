"""Write docs/systems.md: every shipped recipe beside what was published about its system.

::

    python docs/systems.py            # write the page
    python docs/systems.py --check    # exit 1 when the page is not what this would write

What plic does is counted from the recipes; what was published stands in docs/published.yaml.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import click
import torch
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plic.core.catalogue import shipped_catalogue
from plic.core.errors import PlicError
from plic.core.recipe import Recipe, build_parts, load_recipe
from plic.core.report import RecipeReport, report_on
from plic.core.slots import LatentShape

FOLDER = Path(__file__).resolve().parent
PAGE = FOLDER / "systems.md"
PUBLISHED = FOLDER / "published.yaml"
RECIPES = FOLDER.parent / "recipes"
KODAK = (768, 512)
UHD = (3840, 2160)
NONE = "-"
WRAP = 120

Mark = Literal["code", "paper", "abstract", "data", "secondary", "computed", "memory", "inferred"]
MARKS: dict[Mark, str] = {
    "code": "read in source code: the authors', or the re-implementation that is named",
    "paper": "stated in the text of arXiv:2107.06463 or arXiv:2210.04112, by or about the system",
    "abstract": "stated in the abstract of the system's own paper",
    "data": "from result files that come with a code base, or points that an author posted",
    "secondary": "quoted by somebody else; the original table was not seen",
    "computed": "parameters counted, a BD-rate calculated from published points, steps counted, by us",
    "memory": "recalled from the paper and not looked up again: a default, not a fact",
    "inferred": "deduced",
}
QUANTITIES = {
    "parameters": "Parameters",
    "steps": "Steps for Kodak as published",
    "executed": "Steps for Kodak as executed by plic",
    "bd_rate": "Kodak BD-rate against VTM",
    "decode": "Seconds to decode a Kodak picture",
}

ABOUT = """
Every shipped recipe beside the system that it stands for: what plic builds, what was published, and where the two
differ. Figures for plic are counted from the recipes, those for publications stand in [published.yaml](published.yaml)
with their sources. After a change of either, `make docs` writes this page anew; `python docs/systems.py --check` says
whether it is up to date, and so do the tests.
"""
ABOUT_FIGURES = """
BD-rates are for RGB PSNR on Kodak: the average curve over the pictures, log rate interpolated as a function of PSNR by
PCHIP, against the VTM curve that comes with CompressAI. Where somebody else's figure is quoted instead, its VTM may
have been set up differently. Published times were measured on different machines.

Figures marked secondary are all from one table, quoted in the README of a code base titled
Asymmetric-Learned-Image-Compression. It names neither pictures nor machine; the pictures are taken to be Kodak, and its
percentages, which the README labels BPP, to be BD-rates against VVC.
"""
ABOUT_TABLE = f"""
Parameters in millions; *equal* means equal in every digit that was printed. Steps are those of coding y, for pictures
of {KODAK[0]}x{KODAK[1]} (Kodak) and {UHD[0]}x{UHD[1]} (4K): published raster codecs take one step per site, plic codes
the same order along fronts of sites that do not depend on one another, with the same probabilities.
Multiply-accumulates (MACs) are those of all networks for one pass over a Kodak picture. Recipes that end in `-high` are
the larger models for the higher rates; BD-rates are of the curve that both sizes make together. Published BD-rates and
times belong to the publications' trained models; plic ships weights for {{shipped}} only.
"""

EVERYWHERE = [
    """Context and hyper-synthesis are computed in exact arithmetic once a codec is frozen, with weights of 16 bits;
    streams are not those of any publication.""",
    """Medians and tails of factorized densities are found by bisection. CompressAI trains three quantiles per channel
    for them, which its counts of parameters include and ours do not.""",
    """The learning rate is constant, or falls along a cosine at the end. Publications halve it when the loss stalls, or
    at fixed steps.""",
    """Recipes that end in `-ms-ssim` train for MS-SSIM, all others for the mean squared error; the networks are the
    same, and published figures are of models for the mean squared error.""",
]


class Figure(BaseModel):
    """One figure about a published system.

    Attributes:
        value: as it is printed, with its unit.
        mark: how it is known.
        source: where it is from, in a few words.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    value: Annotated[str, Field(min_length=1)]
    mark: Mark
    source: Annotated[str, Field(min_length=1)]

    def __str__(self) -> str:
        return f"{self.value} [{self.mark}]"

    def explained(self) -> str:
        """With its source."""
        return f"{self} ({self.source})"


class Entry(BaseModel):
    """What is known about the system of one recipe. The first of several figures for one thing stands in the table.

    Attributes:
        variant_of: the recipe in whose section this one is described; None when it has a section of its own.
        parameters: trained parameters.
        steps: coding steps for a Kodak picture in the published schedule.
        executed: the same in the schedule of our recipe, which may run independent elements together.
        bd_rate: Kodak, RGB PSNR, against VTM.
        decode: seconds.
        difference: why our number of parameters is another one; to be given exactly when it is.
        inferred: sentences on what in our recipe is a guess, and where it departs from what was published.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    variant_of: str | None = None
    parameters: list[Figure] = []
    steps: list[Figure] = []
    executed: list[Figure] = []
    bd_rate: list[Figure] = []
    decode: list[Figure] = []
    difference: str | None = None
    inferred: list[str] = []

    def lines(self) -> list[str]:
        """One line for each thing of which there are figures."""
        figures = {title: getattr(self, quantity) for quantity, title in QUANTITIES.items()}
        return [f"{title}: {'; '.join(figure.explained() for figure in of)}." for title, of in figures.items() if of]

    def departures(self) -> list[str]:
        """Sentences on what is a guess or different."""
        return [*([self.difference] if self.difference else []), *self.inferred]


@dataclass(frozen=True)
class Row:
    """One recipe: what it amounts to here, and what was published."""

    name: str
    recipe: Recipe
    report: RecipeReport
    steps_uhd: int
    grid: str
    entry: Entry

    @property
    def agreement(self) -> str:
        """Our parameters compared with the published number, to the digits in which that was printed."""
        printed = re.fullmatch(r"(\d+(?:\.(\d+))?)M", self.entry.parameters[0].value if self.entry.parameters else "")
        if printed is None:
            return NONE
        published, digits = float(printed[1]), len(printed[2] or "")
        ours = self.report.parameters / 1e6
        return "equal" if round(ours, digits) == published else f"{100 * (ours / published - 1):+.2g} %"


def read_entries(path: Path = PUBLISHED) -> dict[str, Entry]:
    """What was published, by recipe."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {name: Entry.model_validate(values or {}) for name, values in data.items()}
    except (ValidationError, yaml.YAMLError) as error:
        raise click.ClickException(f"{path.name}: {error}") from error


def rows(entries: Mapping[str, Entry]) -> list[Row]:
    """A row per shipped recipe: in the order of the entries, then those without one."""
    names = [path.stem for path in sorted(RECIPES.glob("*.yaml"))]
    ordered = [name for name in entries if name in names] + [name for name in names if name not in entries]
    return [_row(name, entries.get(name, Entry())) for name in ordered]


def _row(name: str, entry: Entry) -> Row:
    try:
        recipe = load_recipe(RECIPES / f"{name}.yaml")
        report = report_on(recipe, width=KODAK[0], height=KODAK[1])
        with torch.device("meta"):
            parts = build_parts(recipe)
    except PlicError as error:
        raise click.ClickException(f"recipe {name}: {error}") from error
    # Only steps are wanted at this size, so nothing but the schedule is run; it must not see the meta device.
    stride = parts.transform.stride
    shape = LatentShape(parts.transform.latent_channels, -(-UHD[1] // stride), -(-UHD[0] // stride))
    steps = len(parts.schedule.steps(shape, parts.context.reach))
    return Row(name, recipe, report, steps, parts.quantizer.grid.value, entry)


def problems(entries: Mapping[str, Entry], table: Sequence[Row]) -> list[str]:
    """Where the data and the recipes contradict one another."""
    names = {row.name for row in table}
    found = [f"{PUBLISHED.name} has an entry {name!r}, but no recipe has that name" for name in set(entries) - names]
    for name, entry in entries.items():
        if entry.variant_of is not None and entries.get(entry.variant_of, entry).variant_of is not None:
            found.append(f"{name} is said to be a variant of {entry.variant_of}, which has no section")
    for row in table:
        executed = {figure.value for figure in row.entry.executed[:1]} - {f"{row.report.steps:,}"}
        found += [f"{row.name}: {value} steps are said to be executed, not {row.report.steps:,}" for value in executed]
        if (row.agreement in (NONE, "equal")) != (row.entry.difference is None):
            found.append(f"{row.name}: parameters: {row.agreement}; say why in `difference` exactly when they differ")
    return sorted(found)


def page(table: Sequence[Row]) -> str:
    """The whole page."""
    sections = [row for row in table if row.entry.variant_of is None]
    shipped = ", ".join(f"`{name}`" for name in sorted(shipped_catalogue().weights))
    variants = {row.name: [other for other in table if other.entry.variant_of == row.name] for row in sections}
    parts = [
        "# Systems\n",
        "<!-- Written by docs/systems.py from recipes/ and docs/published.yaml. Do not edit; run `make docs`. -->\n",
        _filled(ABOUT),
        "Each published figure carries a mark that says how it is known; so do the notes that come from the recipes.\n",
        _table(["mark", "meaning"], ([mark, meaning] for mark, meaning in MARKS.items())),
        _filled(ABOUT_FIGURES),
        "## Parts\n",
        _parts_table(table),
        "## Size and speed\n",
        _filled(ABOUT_TABLE.format(shipped=shipped)),
        _figures_table(table),
        "## Different throughout\n",
        _listed(EVERYWHERE),
        "## One by one\n",
        *(_section(row, variants[row.name]) for row in sections),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _parts_table(table: Sequence[Row]) -> str:
    head = ["recipe", "title", "transform", "side information", "context", "schedule", "head", "grid"]
    return _table(head, ([_linked(row), row.recipe.title, *_parts(row)] for row in table))


def _parts(row: Row) -> list[str]:
    recipe = row.recipe
    choices = (recipe.transform, recipe.side_information, recipe.context, recipe.schedule, recipe.head)
    return [NONE if choice is None else f"`{choice.id}`" for choice in choices] + [row.grid]


def _linked(row: Row) -> str:
    return f"[`{row.name}`](#{row.entry.variant_of or row.name})"


def _figures_table(table: Sequence[Row]) -> str:
    head = [
        "recipe",
        "parameters",
        "published",
        "agreement",
        "steps Kodak",
        "steps 4K",
        "published steps",
        "MACs per pixel",
        "published BD-rate",
        "published decode",
    ]
    return _table(head, (_figures(row) for row in table), right=(1, 4, 5, 7))


def _figures(row: Row) -> list[str]:
    entry, report = row.entry, row.report
    macs = sum(report.macs_per_pixel.values()) / 1000
    return [
        f"`{row.name}`",
        f"{report.parameters / 1e6:.2f}",
        _first(entry.parameters),
        row.agreement,
        f"{report.steps:,}",
        f"{row.steps_uhd:,}",
        _first(entry.steps),
        f"{macs:,.0f}k",
        _first(entry.bd_rate),
        _first(entry.decode),
    ]


def _first(figures: Sequence[Figure]) -> str:
    return str(figures[0]) if figures else NONE


def _section(row: Row, variants: Sequence[Row]) -> str:
    lines = [f"### {row.name}\n", _filled(f"{row.recipe.title}. {_paper(row.recipe)}")]
    if row.recipe.notes:
        lines.append(_filled(row.recipe.notes))
    figures, departures = row.entry.lines(), row.entry.departures()
    if figures:
        lines += ["Figures:\n", _listed(figures)]
    if departures:
        lines += ["Inferred or different:\n", _listed(departures)]
    return "\n".join([*lines, *(line for variant in variants for line in _variant(row, variant))])


def _variant(row: Row, variant: Row) -> list[str]:
    """A recipe without a section of its own; what it shares with the section's recipe is not repeated."""
    notes = variant.recipe.notes if variant.recipe.notes != row.recipe.notes else ""
    items = [line for line in variant.entry.lines() if line not in row.entry.lines()]
    items += [sentence for sentence in variant.entry.departures() if sentence not in row.entry.departures()]
    lines = [_filled(f"`{variant.name}`: {variant.recipe.title}. {notes}")]
    return [*lines, _listed(items)] if items else lines


def _paper(recipe: Recipe) -> str:
    number = recipe.paper.removeprefix("arXiv:")
    return f"Paper: [{recipe.paper}](https://arxiv.org/abs/{number})." if number != recipe.paper else recipe.paper


def _table(head: Sequence[str], lines: Iterable[list[str]], right: Sequence[int] = ()) -> str:
    rule = "|".join("---:" if index in right else "---" for index in range(len(head)))
    body = (" | ".join(cell.replace("|", r"\|") for cell in line) for line in lines)
    return "\n".join([f"| {' | '.join(head)} |", f"|{rule}|", *(f"| {line} |" for line in body), ""])


def _filled(text: str) -> str:
    """Paragraphs, which empty lines separate, in lines of even width."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
    lines = (textwrap.wrap(text, WRAP, break_long_words=False, break_on_hyphens=False) for text in paragraphs)
    return "\n\n".join("\n".join(paragraph) for paragraph in lines) + "\n"


def _listed(items: Sequence[str]) -> str:
    return "".join(textwrap.indent(_filled(item), "  ").replace("  ", "- ", 1) for item in items)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the page is out of date.")
def main(check: bool) -> None:
    """Write docs/systems.md."""
    entries = read_entries()
    table = rows(entries)
    found, text = problems(entries, table), page(table)
    for problem in found:
        click.echo(f"{'error' if check else 'warning'}: {problem}", err=True)
    if not check:
        PAGE.write_text(text, encoding="utf-8")
        return
    if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        click.echo(f"error: {PAGE.name} is out of date; `make docs` writes it anew", err=True)
        found.append(PAGE.name)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
