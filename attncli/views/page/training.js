// A training, epoch by epoch: the slider paints one frame.

const root = document.querySelector(".training");
const film = JSON.parse(root.querySelector("script[type='application/json']").textContent);
const slider = root.querySelector("input[type='range']");
const said = root.querySelector("output");
const play = root.querySelector(".play");
const dot = root.querySelector(".curve circle");
const points = root.querySelector(".curve polyline").getAttribute("points").trim();
const path = points ? points.split(" ").map((point) => point.split(",").map(Number)) : [];
const cells = (name) => [...root.querySelectorAll(`[data-matrix="${name}"] tbody td`)];
const matrices = film.matrices.map((name) => [name, cells(name),
  root.querySelector(`[data-change="${name}"]`)]);
const weights = cells("weights");
let timer = null;

function paint(cell, step) {
  cell.className = `w${step}`;
}

function show(number) {
  const frame = film.frames[number];
  slider.value = number;
  slider.setAttribute("aria-valuetext", frame.state);
  said.textContent = frame.state;
  for (const [name, held, change] of matrices) {
    const steps = atob(frame.steps[name]);
    held.forEach((cell, i) => paint(cell, steps.charCodeAt(i)));
    change.textContent = frame.changes[name];
  }
  weights.forEach((cell, i) => {
    paint(cell, frame.weightSteps[i]);
    cell.textContent = frame.weights[i];
  });
  if (path.length && frame.place !== null) {
    const [x, y] = path[Math.min(frame.place, path.length - 1)];
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", y);
  }
  dot.setAttribute("visibility", frame.place === null ? "hidden" : "visible");
}

function stop() {
  clearInterval(timer);
  timer = null;
  play.textContent = "Play";
}

const last = film.frames.length - 1;
slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
play.addEventListener("click", () => {
  if (timer !== null) { stop(); return; }
  if (Number(slider.value) === last) show(0);
  play.textContent = "Stop";
  timer = setInterval(() => {
    if (Number(slider.value) >= last) stop();
    else show(Number(slider.value) + 1);
  }, 100);
});
addEventListener("beforeprint", () => { stop(); show(last); });
root.querySelector(".controls").hidden = false;
show(0);
