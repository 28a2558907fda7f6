"use strict";
// Two pictures in one frame with a boundary between them, moved by mouse, touch or the keyboard.
(() => {
  const pictures = JSON.parse(document.getElementById("viewer-data").textContent);
  if (!pictures.length) return;
  const $ = (id) => document.getElementById(id);
  const ORIGINAL = "original";
  const state = { at: 0.5 }; // the boundary, as a share of the frame's visible width

  const uri = (index) => $(`image-${index}`).textContent;
  const picture = () => pictures[$("picture").value];

  function fill(select, choices, wanted) {
    select.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
    const kept = choices.find(([value]) => value === wanted);
    select.value = kept ? wanted : choices[0][0];
  }

  function find(model, quality) {
    const sides = picture().models.find((one) => one.label === model).sides;
    return sides.find((one) => one.quality === quality);
  }

  // --- what is shown ---

  function fillModels() {
    const { models } = picture();
    fill($("model"), models.map((one) => [one.label, one.label]), $("model").value);
    const left = $("left").value || ORIGINAL;
    const groups = models.map((one) => {
      const group = document.createElement("optgroup");
      group.label = one.label;
      group.append(...one.sides.map((side) => new Option(`${one.label}, ${side.choice}`, JSON.stringify([one.label, side.quality]))));
      return group;
    });
    $("left").replaceChildren(new Option("Original", ORIGINAL), ...groups);
    $("left").value = left;
    if (!$("left").value) $("left").value = ORIGINAL;
    fillQualities();
  }

  function fillQualities(wanted) {
    const { sides } = picture().models.find((one) => one.label === $("model").value);
    fill($("quality"), sides.map((side) => [side.quality, side.choice]), wanted ?? $("quality").value);
    show();
  }

  function left() {
    if ($("left").value === ORIGINAL) return { name: "Original", caption: picture().caption, image: picture().image };
    const [model, quality] = JSON.parse($("left").value);
    return { name: `${model}, quality ${quality}`, ...find(model, quality) };
  }

  function right() {
    const model = $("model").value;
    const side = find(model, $("quality").value);
    return { name: `${model}, quality ${side.quality}`, ...side };
  }

  function show() {
    for (const [side, image, found] of [["left", "before", left()], ["right", "after", right()]]) {
      $(image).src = uri(found.image);
      $(image).alt = `${picture().name}: ${found.name}`;
      $(`${side}-chip`).textContent = $(`${side}-name`).textContent = found.name;
      $(`${side}-caption`).textContent = found.caption;
    }
    layOut();
  }

  // --- where it is shown ---

  function scale() {
    const zoom = document.querySelector("#zoom input:checked").value;
    if (zoom !== "fit") return Number(zoom) / devicePixelRatio;
    return Math.min($("pictures").clientWidth / picture().width, (0.85 * innerHeight) / picture().height);
  }

  function layOut() {
    const factor = scale();
    const frame = $("scroller");
    // the middle of what is seen stays in the middle
    const middle = [frame.scrollLeft + frame.clientWidth / 2, frame.scrollTop + frame.clientHeight / 2];
    const grown = (picture().width * factor) / ($("stage").clientWidth || picture().width * factor);
    $("stage").style.width = `${picture().width * factor}px`;
    $("stage").style.height = `${picture().height * factor}px`;
    $("stage").classList.toggle("sharp", document.querySelector("#zoom input:checked").value !== "fit");
    const { clientWidth, clientHeight, scrollWidth, scrollHeight } = frame;
    frame.scrollTo(middle[0] * grown - clientWidth / 2, middle[1] * grown - clientHeight / 2);
    $("viewer").classList.toggle("zoomed", scrollWidth > clientWidth || scrollHeight > clientHeight);
    place();
  }

  function place() {
    const { clientWidth, clientHeight, scrollLeft } = $("scroller");
    const x = state.at * clientWidth;
    $("divider").style.left = `${x}px`;
    $("divider").style.height = `${clientHeight}px`;
    $("after").style.clipPath = `inset(0 0 0 ${scrollLeft + x}px)`;
    $("left-chip").style.opacity = state.at < 0.08 ? 0 : 1;
    $("right-chip").style.opacity = state.at > 0.92 ? 0 : 1;
  }

  function moveTo(share) {
    state.at = Math.min(1, Math.max(0, share));
    $("boundary").value = 100 * state.at;
    place();
  }

  // --- who moves it ---

  function drag(target, begin) {
    target.addEventListener("pointerdown", (event) => {
      const move = event.button === 0 && begin(event);
      if (!move) return;
      target.setPointerCapture(event.pointerId);
      const end = () => {
        target.removeEventListener("pointermove", move);
        target.removeEventListener("pointerup", end);
        target.removeEventListener("pointercancel", end);
      };
      target.addEventListener("pointermove", move);
      target.addEventListener("pointerup", end);
      target.addEventListener("pointercancel", end);
    });
  }

  function slide(event) {
    const frame = $("scroller").getBoundingClientRect();
    moveTo((event.clientX - frame.left) / $("scroller").clientWidth);
  }

  drag($("divider"), () => slide);
  drag($("scroller"), (event) => {
    if (!$("viewer").classList.contains("zoomed")) {
      slide(event);
      return slide;
    }
    if (event.pointerType !== "mouse") return null; // a finger scrolls by itself
    const { scrollLeft, scrollTop } = $("scroller");
    return (now) => $("scroller").scrollTo(scrollLeft + event.clientX - now.clientX, scrollTop + event.clientY - now.clientY);
  });
  $("boundary").addEventListener("input", () => moveTo($("boundary").value / 100));
  $("scroller").addEventListener("scroll", place);
  $("zoom").addEventListener("change", layOut);
  addEventListener("resize", layOut);
  $("picture").addEventListener("change", fillModels);
  $("model").addEventListener("change", () => fillQualities());
  $("quality").addEventListener("change", show);
  $("left").addEventListener("change", show);
  document.addEventListener("plic-choose", ({ detail }) => {
    if (!picture().models.some((one) => one.label === detail.model)) return;
    $("model").value = detail.model;
    fillQualities(detail.quality);
    $("pictures").scrollIntoView({ behavior: "smooth" });
  });

  fill($("picture"), pictures.map((one, index) => [String(index), one.name]));
  fillModels();
})();
