"""Recipes: loading, variants, overrides, and what every error says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import BASE, FakeContext, FakeTransform, fake_registry, write_distribution
from hypothesis import given, settings
from hypothesis import strategies as st

from plic.core.errors import IncompatibleParts, PluginError, RecipeError, UnknownName
from plic.core.plugins import Plugin
from plic.core.recipe import (
    Recipe,
    build_parts,
    list_recipes,
    load_recipe,
    parse_overrides,
    recipe_from_text,
    recipe_schema,
)
from plic.core.recipe.yaml_source import dump_yaml, parse_yaml
from plic.core.registry import Registry

Overrides = dict[str, Any]


@pytest.fixture
def registry() -> Registry:
    return fake_registry()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.yaml"
    path.write_text(BASE)
    return path


def variant(base: Path, text: str, name: str = "variant") -> Path:
    path = base.with_name(f"{name}.yaml")
    path.write_text(f"plic: 1\nname: {name}\n{text}")
    return path


def edited(base: Path, old: str, new: str) -> Path:
    assert old in BASE
    base.write_text(BASE.replace(old, new))
    return base


def refused(path: Path, registry: Registry, kind: type[Exception] = RecipeError, **overrides: Any) -> str:
    with pytest.raises(kind) as caught:
        build_parts(load_recipe(path, {key.replace("__", "."): value for key, value in overrides.items()}, registry))
    return str(caught.value)


# --- what loads ---------------------------------------------------------------------------------------------------


def test_defaults_are_filled_in(base: Path, registry: Registry) -> None:
    recipe = load_recipe(base, registry=registry)
    assert recipe.transform.settings == {
        "channels": 8,
        "mode": "mean",
        "widths": (4, 8),
        "slope": 0.2,
        "label": None,
        "schema": False,
    }
    assert (recipe.rate.id, recipe.distortion.id, recipe.side_information) == ("fixed", "mse", None)
    assert (recipe.training.lambdas, recipe.training.steps) == ([0.01], 1_000_000)
    assert (recipe.name, recipe.title, recipe.source) == ("base", "a base", base)


def test_settings_reach_the_constructor(base: Path, registry: Registry) -> None:
    recipe = load_recipe(base, {"transform.widths": [1, 2, 3], "transform.slope": 1, "transform.label": "a"}, registry)
    transform = build_parts(recipe, registry).transform
    assert isinstance(transform, FakeTransform)
    assert transform.settings == ("mean", (1, 2, 3), 1.0, "a", False)


def test_chain_is_wired(base: Path, registry: Registry) -> None:
    parts = build_parts(load_recipe(base, {"transform.channels": 5}, registry), registry)
    assert isinstance(parts.context, FakeContext)
    wiring = parts.context.wiring
    assert (wiring.channels, wiring.side_features, wiring.parameters_per_element) == (5, 0, 2)
    assert wiring.schedule is parts.schedule


def test_extends_merges_settings_of_the_same_part(base: Path, registry: Registry) -> None:
    path = variant(base, "extends: base.yaml\ntransform: {mode: max}\ntraining: {steps: 5}\n")
    recipe = load_recipe(path, registry=registry)
    assert (recipe.transform.settings["mode"], recipe.transform.settings["channels"]) == ("max", 8)
    assert (recipe.training.steps, recipe.training.lambdas, recipe.name) == (5, [0.01], "variant")


def test_extends_replaces_the_settings_of_another_part(base: Path, registry: Registry) -> None:
    middle = variant(base, "extends: base.yaml\nhead: {use: mixture, components: 5}\n", "middle")
    path = variant(middle, "extends: middle.yaml\nhead: {use: normal}\n")
    assert load_recipe(path, registry=registry).head.settings == {}


def test_overrides_replace_a_part_and_set_its_settings(base: Path, registry: Registry) -> None:
    overrides = parse_overrides(["head.components=2", "head.use=mixture", "training.learning_rate=1e-3"])
    recipe = load_recipe(base, overrides, registry)
    assert (recipe.head.id, recipe.head.settings) == ("mixture", {"components": 2})
    assert recipe.training.learning_rate == 1e-3


def test_a_whole_slot_can_be_overridden(base: Path, registry: Registry) -> None:
    overrides = {"head": {"use": "mixture"}, "side_information": None}
    assert load_recipe(base, overrides, registry).head.settings == {"components": 3}


@pytest.mark.parametrize(
    ("text", "value"), [("1e-4", 1e-4), ("1_000", 1000), ("no", "no"), ("1:30", "1:30"), ("[1, .5]", [1, 0.5])]
)
def test_scalars_mean_what_they_look_like(text: str, value: object) -> None:
    assert parse_overrides([f"a.b={text}"]) == {"a.b": value}


# --- the artefact -------------------------------------------------------------------------------------------------


def test_fingerprint_covers_what_shapes_the_decoder_and_nothing_else(base: Path, registry: Registry) -> None:
    def fingerprint(**overrides: object) -> str:
        return load_recipe(base, {k.replace("__", "."): v for k, v in overrides.items()}, registry).fingerprint()

    same = fingerprint()
    assert len(same) == 64
    assert same == fingerprint(title="x", notes="y", name="z", training__steps=3, distortion={"use": "mse"})
    assert same == fingerprint(transform__mode="mean")  # a default, spelled out
    assert same != fingerprint(transform__channels=9)
    assert same != fingerprint(head__use="mixture")


@settings(max_examples=40, deadline=None)
@given(
    title=st.text(max_size=40),
    notes=st.text(max_size=200),
    label=st.none() | st.text(max_size=20).filter(lambda text: text != "explode"),
    slope=st.floats(allow_nan=False, allow_infinity=False),
    channels=st.integers(1, 10**6),
    widths=st.lists(st.integers(), max_size=4),
    mode=st.sampled_from(["mean", "max"]),
    rate=st.floats(1e-12, 1e3),
)
def test_resolved_yaml_loads_as_the_same_recipe(
    tmp_path_factory: pytest.TempPathFactory,
    title: str,
    notes: str,
    rate: float,
    **transform: object,
) -> None:
    registry = fake_registry()
    path = tmp_path_factory.mktemp("recipes") / "base.yaml"
    path.write_text(BASE)
    overrides: Overrides = {f"transform.{key}": value for key, value in transform.items()}
    recipe = load_recipe(path, overrides | {"title": title, "notes": notes, "training.learning_rate": rate}, registry)
    path.write_text(recipe.to_yaml(), encoding="utf-8")
    again = load_recipe(path, registry=registry)
    assert again == recipe
    assert again.fingerprint() == recipe.fingerprint()
    assert again.to_yaml() == recipe.to_yaml()


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=8),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text()
        | st.lists(st.text(max_size=6) | st.floats(allow_nan=False), max_size=3),
        min_size=1,
    )
)
def test_yaml_round_trip(data: dict[str, Any]) -> None:
    assert parse_yaml(dump_yaml(data), "here").data == data


# --- what is refused, and what the message says ---------------------------------------------------------------------


def test_unknown_part_names_line_and_near_ones(base: Path, registry: Registry) -> None:
    message = refused(edited(base, "use: pool", "use: poll"), registry, UnknownName)
    assert f"{base}:4: no transform is called 'poll'" in message
    assert "near:     pool" in message


def test_unknown_setting_names_line_and_near_ones(base: Path, registry: Registry) -> None:
    message = refused(edited(base, "channels: 8", "chanels: 8"), registry)
    assert f"{base}:4: transform 'pool' has no setting 'chanels'" in message
    assert "near:     channels" in message
    assert "one of channels, mode, widths" in message


def test_unknown_key_names_line_and_near_ones(base: Path, registry: Registry) -> None:
    message = refused(edited(base, "schedule:", "shedule:"), registry)
    assert f"{base}:6: a recipe has no key 'shedule'" in message
    assert "near:     schedule" in message


@pytest.mark.parametrize("value", ['"128"', "8.5", "true", "0", "[8]"])
def test_settings_are_strict(base: Path, registry: Registry, value: str) -> None:
    message = refused(edited(base, "channels: 8", f"channels: {value}"), registry)
    assert f"{base}:4: transform.channels does not fit transform 'pool'" in message
    assert "got:" in message
    assert "expected:" in message


def test_training_is_required_and_strict(base: Path, registry: Registry) -> None:
    line = "training: {lambdas: [0.01]}\n"
    assert "does not say how it is trained" in refused(edited(base, line, ""), registry)
    assert "needs the setting 'lambdas'" in refused(edited(base, line, "training: {}\n"), registry)
    message = refused(edited(base, line, "training: {lambdas: [0.01], crops: 2}\n"), registry)
    assert f"{base}:10: training has no setting 'crops'" in message
    assert "near:     crop" in message
    assert "training.lambdas.0" in refused(edited(base, line, "training: {lambdas: [-1]}\n"), registry)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("coder: {use: none}\n", "", "the slot coder is empty"),
        ("coder: {use: none}", "coder: {}", "coder does not say which part to use"),
        ("coder: {use: none}", "coder: none", ":9: coder must be a mapping"),
        ("plic: 1", "plic: 2", ":1: not a recipe of a format that this plic reads"),
        ("name: base", "name: Base Case", ":2: not a name that a stream can carry"),
        ("name: base\n", "", "the recipe has no name"),
        ("title: a base", "title: 2107.06463", ":3: title must be text"),
        ("title: a base", "title: {a", "not valid YAML"),
        ("title: a base", "head: {use: normal}", ":7: the key 'head' appears twice"),
        ("title: a base", "title: !!python/object/apply:os.system [ls]", "not valid YAML"),
        ("title: a base", "<<: {title: x}", ":3: a recipe has no key '<<'"),
        ("title: a base", "1: x", ":3: a key must be a word"),
        ("title: a base", "notes: &a [*a]", ":3: nested too deeply"),
        ("title: a base", "extends: [x]", ":3: extends takes the name of one recipe"),
        ("title: a base", "extends: x.yaml", ":3: there is no recipe file"),
    ],
)
def test_malformed_recipes(base: Path, registry: Registry, old: str, new: str, expected: str) -> None:
    message = refused(edited(base, old, new), registry)
    assert expected in message
    assert str(base) in message


def test_a_list_is_no_recipe(base: Path, registry: Registry) -> None:
    base.write_text("- 1\n")
    assert "a recipe is a mapping" in refused(base, registry)


def test_error_in_a_parent_names_the_parents_line(base: Path, registry: Registry) -> None:
    edited(base, "channels: 8", "chanels: 8")
    path = variant(base, "extends: base.yaml\ntransform: {mode: max}\n")
    assert f"{base}:4: transform 'pool' has no setting 'chanels'" in refused(path, registry)


def test_recipes_must_not_extend_in_a_circle(base: Path, registry: Registry) -> None:
    one = variant(base, "extends: two.yaml\n", "one")
    variant(base, "extends: one.yaml\n", "two")
    message = refused(one, registry)
    assert "extend one another in a circle" in message
    assert "one -> two -> one" in message


def test_unknown_recipe(registry: Registry) -> None:
    with pytest.raises(UnknownName, match="no recipe is called 'hause'"):
        load_recipe("hause", registry=registry)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("haed.use", "normal", "near:     head"),
        ("head.uses", "normal", "--set head.uses: head 'normal' has no setting 'uses'"),
        ("head.use", "normel", "--set head.use: no head is called 'normel'"),
        ("transform.channels", "64", "--set transform.channels: transform.channels does not fit"),
        ("transform.channels", object(), "a value that YAML cannot express"),
        ("training.step", 3, "near:     steps"),
        ("title.x", 3, "has no 'title' to set"),
        ("plic", 2, "has no 'plic' to set"),
    ],
)
def test_bad_overrides(base: Path, registry: Registry, key: str, value: object, expected: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(base, {key: value}, registry)
    assert expected in str(caught.value)


@pytest.mark.parametrize("item", ["head.use", "=3", "head.use=[", "head.use=!!python/name:os.system"])
def test_bad_override_text(item: str) -> None:
    with pytest.raises(RecipeError, match="--set"):
        parse_overrides([item])


# --- requirements -------------------------------------------------------------------------------------------------


def test_requirements(base: Path, registry: Registry) -> None:
    path = edited(base, "title: a base", 'requires: {pytest: ">=1"}')
    assert load_recipe(path, registry=registry).requires == {"pytest": ">=1"}
    message = refused(edited(base, "title: a base", 'requires: {pytest: ">=999"}'), registry, PluginError)
    assert f"{base}:3: needs pytest>=999, has pytest " in message
    assert "pip install 'pytest>=999'" in message
    message = refused(edited(base, "title: a base", 'requires: {plic-nowhere: ">=1"}'), registry, PluginError)
    assert "needs plic-nowhere>=1, which is not installed" in message
    message = refused(edited(base, "title: a base", "requires: {pytest: latest}"), registry)
    assert "requires.pytest is no version specifier" in message


def test_required_plugin_that_failed_raises_with_its_traceback(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_distribution(tmp_path, "plic-broken", "raise RuntimeError('boom')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    error = RuntimeError("boom")
    broken = Plugin("broken", "plic-broken", "1.0", "plic_broken", error=error, traceback="Traceback: boom")
    message = refused(edited(base, "title: a base", 'requires: {plic-broken: ""}'), fake_registry(broken), PluginError)
    assert "the recipe needs the plugin plic-broken 1.0, which failed to load" in message
    assert "Traceback: boom" in message


# --- the chain ----------------------------------------------------------------------------------------------------


def test_context_and_schedule_must_agree(base: Path, registry: Registry) -> None:
    with pytest.raises(IncompatibleParts) as caught:
        build_parts(load_recipe(base, {"schedule.use": "snail"}, registry), registry)
    message = str(caught.value)
    assert "context 'pointwise' cannot be computed along schedule 'snail'" in message
    assert "schedules that fit this context: blind, once" in message


def test_unconditional_steps_need_a_density(base: Path, registry: Registry) -> None:
    with pytest.raises(IncompatibleParts, match=r"schedule 'blind' has steps .* context 'pointwise' has no density"):
        build_parts(load_recipe(base, {"schedule.use": "blind"}, registry), registry)


@pytest.mark.parametrize(("quantizer", "head"), [("mean-centred", "mixture"), ("median", "normal")])
def test_grid_must_fit_the_head(base: Path, registry: Registry, quantizer: str, head: str) -> None:
    with pytest.raises(IncompatibleParts) as caught:
        build_parts(load_recipe(base, {"quantizer.use": quantizer, "head.use": head}, registry), registry)
    assert f"quantizer '{quantizer}' does not fit head '{head}'" in str(caught.value)
    assert "quantizers that fit every head: integer" in str(caught.value)


def test_mean_centred_grid_fits_a_single_mean(base: Path, registry: Registry) -> None:
    assert build_parts(load_recipe(base, {"quantizer.use": "mean-centred"}, registry), registry)


def test_one_lambda_per_quality_level(base: Path, registry: Registry) -> None:
    with pytest.raises(IncompatibleParts, match="has 3 quality levels, training has 1 lambdas"):
        build_parts(load_recipe(base, {"rate.levels": 3}, registry), registry)


def test_constructor_errors_name_part_and_provider(base: Path, registry: Registry) -> None:
    with pytest.raises(RecipeError, match=r"transform 'pool' \(fakes 1.0\) refuses to be built: label may not explode"):
        build_parts(load_recipe(base, {"transform.label": "explode"}, registry), registry)


# --- recipes of plugins, the schema ---------------------------------------------------------------------------------


def test_recipes_of_plugins_are_found_by_name(base: Path) -> None:
    plugin = Plugin("more", "more", "1.0", "more", recipe_folders=(base.parent,))
    recipe = load_recipe("base", registry=fake_registry(plugin))
    assert isinstance(recipe, Recipe)
    assert recipe.source == base


def test_recipe_from_resolved_text(base: Path, registry: Registry) -> None:
    recipe = load_recipe(base, registry=registry)
    again = recipe_from_text(recipe.to_yaml(), "a weights file", registry)
    assert again.resolved() == recipe.resolved()
    for text, expected in (("plic: 1\n", "has no name"), ("plic: 1\nname: a\nextends: house\n", "extends nothing")):
        with pytest.raises(RecipeError, match=f"a weights file.*{expected}"):
            recipe_from_text(text, "a weights file", registry)


EARLIER = """
plic: 1
name: house
transform: {use: patch, channels: 256, widths: [192, 320], blocks: [3, 2], slope: 0.2, step: 0.22}
rate: {use: gain, levels: 8, span: 8.0}
side_information: {use: hyperprior, channels: 96, features: 256, kernels: 3x3, widths: null, absolute: false,
  slope: 0.2, positive: false, filters: [3, 3, 3, 3]}
context: {use: checkerboard-conv, kernel: 5, features: 256, fusion: [512], slope: 0.2}
schedule: {use: checkerboard}
head: {use: gaussian, mean: true, scale: log2, floor: 0.11, likelihood_floor: 1.0e-09}
quantizer: {use: integer, surrogate: mixed}
coder: {use: range}
distortion: {use: mse}
training: {lambdas: [0.0003, 0.00076, 0.00192, 0.00487, 0.01233, 0.03122, 0.07905, 0.2]}
requires: {}
"""
"""In weights of November 2026, written before `patch` and `hyperprior` had some of their settings."""


def test_a_resolved_recipe_keeps_its_fingerprint_when_parts_learn_settings() -> None:
    earlier = recipe_from_text(EARLIER, "a weights file")
    assert earlier.fingerprint() == "8a7fb51f74c5f6b38ba98424db33b0c6b33ed28d0886b5c65cdb53e1c209ccc1"
    assert recipe_from_text(earlier.to_yaml(), "the same, saved again").fingerprint() == earlier.fingerprint()
    assert build_parts(earlier).transform.margin == 4


def test_two_recipes_of_one_name_are_an_error_only_when_used(base: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "base.yaml").write_text(BASE)
    variant(base, "extends: base.yaml\n")
    plugin = Plugin("more", "more", "1.0", "more", recipe_folders=(tmp_path, other))
    registry = fake_registry(plugin)
    assert load_recipe("variant", registry=registry).transform.id == "pool"
    with pytest.raises(PluginError, match="there are 2 recipes called 'base'"):
        load_recipe("base", registry=registry)


def test_defaults_have_the_annotated_type(base: Path, registry: Registry) -> None:
    assert repr(load_recipe(base, {"transform.slope": 1}, registry).transform.settings["slope"]) == "1.0"


def test_shipped_recipes_are_called_like_their_files() -> None:
    for name in list_recipes():
        assert load_recipe(name).name == name


def test_the_guides_recipes_build(tmp_path: Path) -> None:
    guide = (Path(__file__).parent.parent / "docs" / "recipes.md").read_text(encoding="utf-8")
    tiny, mixture = (block.split("```")[0] for block in guide.split("```yaml\n")[1:3])
    (tmp_path / "tiny.yaml").write_text(tiny, encoding="utf-8")
    (tmp_path / "mixture.yaml").write_text(mixture, encoding="utf-8")
    assert build_parts(load_recipe(tmp_path / "tiny.yaml")).transform.latent_channels == 64
    recipe = load_recipe(tmp_path / "mixture.yaml")
    assert (recipe.head.id, recipe.training.steps, recipe.training.crop) == ("gmm", 8000, 192)
    assert build_parts(recipe)


def test_schema_lists_parts_and_settings(registry: Registry) -> None:
    schema = recipe_schema(registry)
    pool = next(s for s in schema["properties"]["transform"]["oneOf"] if s.get("title") == "transform pool")
    assert pool["properties"]["use"] == {"const": "pool"}
    assert set(pool["properties"]) == {"use", "channels", "mode", "widths", "slope", "label", "schema"}
    assert pool["additionalProperties"] is False
    assert {"type": "null"} in schema["properties"]["side_information"]["oneOf"]
    json.dumps(schema)
