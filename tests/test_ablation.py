"""What a study consists of: swaps, designs, cells, keys. Nothing is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
from ablations import draw_folders, settings
from small import photograph

from plic.core.ablation import Design, Plan, plan
from plic.core.ablation.swaps import split_values
from plic.core.errors import PlicError

GAIN = "rate=gain{levels: 3}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw_folders(tmp_path)
    return tmp_path


def labels(study: Plan) -> list[str]:
    return [cell.label for cell in study.cells]


def test_values_end_at_commas_outside_brackets_and_quotes() -> None:
    assert split_values("a,b{c: 1, d: 2},[3, 4],'x,y'") == ["a", "b{c: 1, d: 2}", "[3, 4]", "'x,y'"]


@pytest.mark.parametrize(
    ("swap", "expected"),
    [
        ("haed=gaussian", "near:     head"),
        ("head=gausian", "near:     gaussian"),
        ("head=gmm{component: 2}", "near:     components"),
        ("transform.chanels=8", "near:     channels"),
        ("transform=gdn,gdn", "appears twice"),
        ("head", "nothing to swap"),
        ("head=", "nothing to swap"),
        ("head=null", "cannot be empty"),
        ("training.steps=1,2", "set it for all with --steps"),
        ("training.learning_rat=1", "near:     learning_rate"),
        ("tile.size=1", "has no 'tile.size' to swap"),
    ],
)
def test_what_does_not_exist_is_refused(folder: Path, swap: str, expected: str) -> None:
    with pytest.raises(PlicError, match=r"--swap") as caught:
        plan(settings(folder, swap))
    assert expected in str(caught.value)


def test_one_change_at_a_time(folder: Path) -> None:
    mine = folder / "mine.yaml"
    mine.write_text("plic: 1\nname: mine\nextends: minnen2018-mean\nhead: {floor: 0.3}\n")
    study = plan(settings(folder, "head=laplacian,logistic{floor: 0.2}", "transform.channels=8", recipe=str(mine)))
    assert labels(study) == ["base", "head=laplacian", "head=logistic{floor: 0.2}", "transform.channels=8"]
    recipes = [cell.recipe for cell in study.cells if cell.recipe is not None]
    assert [one.head.id for one in recipes] == ["gaussian", "laplacian", "logistic", "gaussian"]
    assert [one.head.settings["floor"] for one in recipes] == [0.3, 0.11, 0.2, 0.3]  # a part begins with its defaults
    assert [one.transform.settings["channels"] for one in recipes] == [12, 12, 12, 8]


def test_all_combinations_and_one_dropped(folder: Path) -> None:
    swaps = ("head=laplacian,logistic", "transform.channels=8,10")
    full = plan(settings(folder, *swaps, design=Design.FULL))
    grid = [f"head={h}, transform.channels={c}" for h in ("laplacian", "logistic") for c in (8, 10)]
    assert labels(full) == ["base", *grid]
    dropped = plan(settings(folder, *swaps, "distortion=ms-ssim", design=Design.DROP_ONE))
    everything = {"head", "transform.channels", "distortion"}
    assert labels(dropped) == ["base", "all swaps", *(f"all but {one}" for one in swapped_in_order(dropped))]
    assert [set(cell.variants[0].levels) for cell in dropped.cells] == [
        set(),
        everything,
        *(everything - {one} for one in swapped_in_order(dropped)),
    ]
    recipe = dropped.cells[1].recipe
    assert recipe is not None
    assert (recipe.head.id, recipe.transform.settings["channels"], recipe.distortion.id) == ("logistic", 10, "ms-ssim")


def swapped_in_order(study: Plan) -> list[str]:
    return [swap.target for swap in study.swaps]


def test_the_same_recipe_is_one_cell(folder: Path) -> None:
    study = plan(settings(folder, "head=gaussian,laplacian", "transform.channels=12,8"))
    assert labels(study) == ["base", "head=laplacian", "transform.channels=8"]
    assert study.base.also == ("head=gaussian", "transform.channels=12")
    assert len(study.tasks) == 3


def test_common_settings_reach_the_parts_that_know_them(folder: Path) -> None:
    study = plan(settings(folder, "head=laplacian,factorized", common={"head.floor": 0.2}))
    laplacian = study.cells[1].recipe
    assert laplacian is not None
    assert laplacian.head.settings["floor"] == 0.2
    assert [note for note in study.notes if "head.floor" in note and note.startswith("head=factorized")]


def test_what_cannot_be_built_stops_nothing_else(folder: Path) -> None:
    study = plan(settings(folder, "context=masked-conv,side-only", GAIN, "transform.channels=none"))
    failed = {cell.label: cell.failure for cell in study.cells if cell.recipe is None}
    assert set(failed) == {"context=masked-conv", GAIN, "transform.channels=none"}
    assert "cannot be computed along schedule" in failed["context=masked-conv"]
    assert "3 quality levels" in failed[GAIN]
    assert {label for label, _ in study.tasks} == {"base"}


def test_qualities_that_a_cell_does_not_have(folder: Path) -> None:
    lambdas = {"training.lambdas": [0.002, 0.005, 0.01]}
    study = plan(settings(folder, GAIN, qualities=(0.5, 1.0), common=lambdas))
    assert ["no such quality" in cell.failure for cell in study.cells] == [True, False]


def test_keys_say_what_results_depend_on(folder: Path) -> None:
    def key(**changes: object) -> str:
        return plan(settings(folder, **changes)).tasks["base", 0].key  # type: ignore[arg-type]

    first = key(seeds=(0,))
    assert key(seeds=(0, 1), workers=2, device="cpu", threads=3) == first
    assert key(common={"notes": "another text"}) == first
    others = [key(common={"training.steps": 3}), key(common={"head.floor": 0.2}), key(qualities=(0.0,))]
    photograph(80, 70, 2).save(folder / "photographs" / "b.png")
    others.append(key())
    (folder / "weights").write_bytes(b"anything")
    others += [key(start=folder / "weights"), key(fresh=("head",))]
    assert len({first, *others}) == 7
    study = plan(settings(folder, seeds=(0, 1)))
    assert len({task.key for task in study.tasks.values()}) == len({task.folder for task in study.tasks.values()}) == 2
