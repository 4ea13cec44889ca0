// Parts of a garment and a look that answer each other, numbered alike in the three pictures.
const SVG = "http://www.w3.org/2000/svg";
const COLOURS = ["#e6194b", "#0082c8", "#2f8f3e", "#c85f00", "#911eb4", "#007070", "#c01fb5", "#800000"];

export function clearPoints(panes) {
  for (const one of panes.querySelectorAll(".points")) one.replaceChildren();
}

// `points` have x and y as shares of each picture, by the name of its pane.
export function drawPoints(panes, points) {
  for (const figure of panes.querySelectorAll("figure")) {
    const image = figure.querySelector("img");
    const [width, height] = [image.naturalWidth || 1, image.naturalHeight || 1];
    const place = figure.querySelector(".points");
    // The same fit as the picture's, whatever its shape.
    place.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const radius = Math.max(width, height) / 45;
    place.replaceChildren(...points.flatMap((point, number) => {
      const [x, y] = point[figure.dataset.pane];
      const dot = document.createElementNS(SVG, "circle");
      const label = document.createElementNS(SVG, "text");
      const all = { cx: x * width, cy: y * height, r: radius, fill: COLOURS[number % COLOURS.length], stroke: "#fff" };
      for (const [name, value] of Object.entries(all)) dot.setAttribute(name, value);
      const words = { x: x * width, y: y * height, "font-size": radius * 1.3, fill: "#fff" };
      for (const [name, value] of Object.entries(words)) label.setAttribute(name, value);
      label.textContent = number + 1;
      return [dot, label];
    }));
  }
}
