"use strict";
// The rate-distortion curves: plotly draws the figures that the page holds as JSON, in the colours of the page.
(() => {
  const plot = document.getElementById("plot");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const small = matchMedia("(max-width: 640px)");
  const finger = matchMedia("(pointer: coarse)").matches;
  const config = {
    displayModeBar: finger ? true : "hover",
    responsive: true,
    displaylogo: false,
    // named one by one: among the others are some that would leave the page
    modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg", filename: "curves" },
  };

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function figure(metric) {
    const { data, layout } = JSON.parse(document.getElementById(`figure-${metric}`).textContent);
    for (const trace of data) {
      trace.line.color = trace.marker.color = trace.meta[dark.matches ? "dark" : "light"];
    }
    const axis = {
      gridcolor: colour("--line"), linecolor: colour("--line"), zeroline: false, automargin: true, ticks: "outside",
      tickcolor: colour("--line"),
    };
    Object.assign(layout.xaxis, axis);
    Object.assign(layout.yaxis, axis);
    layout.font = { family: "system-ui, sans-serif", size: small.matches ? 12 : 13, color: colour("--ink") };
    layout.hoverlabel = {
      bgcolor: colour("--panel"), bordercolor: colour("--line"), font: { color: colour("--ink") }, namelength: -1,
    };
    layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: colour("--soft"), activecolor: colour("--accent") };
    layout.dragmode = finger ? false : "zoom"; // a finger scrolls the page, and zooms with the buttons
    return { data, layout };
  }

  function draw() {
    const { data, layout } = figure(document.querySelector("#metric input:checked").value);
    return Plotly.react(plot, data, layout, config);
  }

  draw().then(() => {
    plot.on("plotly_click", (event) => {
      const [, model, quality] = event.points[0].customdata;
      if (model) document.dispatchEvent(new CustomEvent("plic-choose", { detail: { model, quality } }));
    });
  });
  document.getElementById("metric").addEventListener("change", draw);
  dark.addEventListener("change", draw);
  small.addEventListener("change", draw);
})();
