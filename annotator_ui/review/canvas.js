// An item's pictures side by side, with people drawn in; the first takes clicks and boxes.
const SVG = "http://www.w3.org/2000/svg";
const ZOOMS = [1, 1.5, 2, 3, 4, 6, 8];
const DRAG = 5; // so many pixels on the screen make a box; less is a click

export default function ({ parentElement, data, setTriggerValue }) {
  const canvas = parentElement.querySelector(".canvas");
  const [width, height] = data.size;
  const wanted = JSON.stringify([data.item, data.pictures]);
  const another = canvas.dataset.shown !== wanted;
  if (another) {
    canvas.dataset.shown = wanted;
    canvas.style.setProperty("--aspect", width / height);
    canvas.replaceChildren(tools(), pictures());
  }
  const frames = [...canvas.querySelectorAll(".frame")];
  const first = canvas.querySelector(".first .inner");
  if (another) zoom(0);
  frames.forEach((frame) => (frame.onscroll = () => scrollAll(frame)));
  drawPeople();
  canvas.classList.remove("busy");

  function scrollAll(leader) {
    frames.forEach((frame) => {
      frame.scrollLeft = leader.scrollLeft;
      frame.scrollTop = leader.scrollTop;
    });
  }

  // What is shown -----------------------------------------------------------------------------

  function tools() {
    const bar = element("div", "tools");
    bar.append("Zoom");
    for (const [sign, step, name] of [["−", -1, "Zoom out"], ["+", 1, "Zoom in"]]) {
      const button = element("button", "", sign);
      button.type = "button";
      button.ariaLabel = name;
      button.onclick = () => zoom(Number(canvas.dataset.zoom) + step);
      bar.append(button);
    }
    const outlines = element("button", "", "Outlines");
    outlines.type = "button";
    outlines.onclick = hide;
    bar.append(element("span", "factor"), outlines);
    return bar;
  }

  function hide() {
    canvas.classList.toggle("bare");
  }

  function zoom(step) {
    const at = Math.min(Math.max(step, 0), ZOOMS.length - 1);
    const frame = frames[0];
    const middle = frame && [
      (frame.scrollLeft + frame.clientWidth / 2) / frame.scrollWidth,
      (frame.scrollTop + frame.clientHeight / 2) / frame.scrollHeight,
    ];
    canvas.dataset.zoom = String(at);
    canvas.style.setProperty("--zoom", ZOOMS[at]);
    canvas.querySelector(".factor").textContent = `${ZOOMS[at]}×`;
    if (frame && middle.every(Number.isFinite)) {
      frame.scrollLeft = middle[0] * frame.scrollWidth - frame.clientWidth / 2;
      frame.scrollTop = middle[1] * frame.scrollHeight - frame.clientHeight / 2;
    }
  }

  function pictures() {
    const all = element("div", "pictures");
    all.append(...data.pictures.map(figure));
    return all;
  }

  function figure(picture, index) {
    const whole = element("figure", index === 0 ? "first" : "output");
    const caption = element("figcaption", "", picture.caption);
    const inner = element("div", "inner");
    const image = element("img");
    image.src = picture.src;
    image.alt = picture.caption;
    image.draggable = false;
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.setAttribute("preserveAspectRatio", "none");
    inner.append(image, drawing);
    const frame = element("div", "frame");
    frame.append(inner);
    whole.append(caption, frame);
    return whole;
  }

  function drawPeople() {
    canvas.querySelectorAll("svg").forEach((svg) => {
      svg.replaceChildren(...data.people.map(outline));
    });
    canvas.querySelectorAll(".label, .rubber").forEach((old) => old.remove());
    first.append(...data.people.map(label));
    const caption = canvas.querySelector(".first figcaption");
    caption.textContent = data.hint || data.pictures[0].caption;
    caption.classList.toggle("hint", Boolean(data.hint));
  }

  function outline(person) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", person.outline.map((line) => `M${line.join("L")}Z`).join(""));
    path.setAttribute("class", person.state + (person.chosen ? " chosen" : ""));
    path.dataset.name = person.name;
    return path;
  }

  function label(person) {
    const points = person.outline.flat();
    const [x, y] = points.reduce((top, point) => (point[1] < top[1] ? point : top), [0, height]);
    const tag = element("div", `label ${person.state}`, person.label);
    tag.style.left = `${Math.min(Math.max((100 * x) / width, 2), 98)}%`;
    tag.style.top = `${Math.min(Math.max((100 * y) / height, 2), 98)}%`;
    return tag;
  }

  function element(kind, name = "", text = "") {
    const made = document.createElement(kind);
    made.className = name;
    made.textContent = text;
    return made;
  }

  // What is done ------------------------------------------------------------------------------

  let start = null;
  let rubber = null;

  function place(event) {
    const box = first.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    const y = ((event.clientY - box.top) / box.height) * height;
    return [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
  }

  function tell(what, value) {
    canvas.classList.add("busy"); // until the answer is drawn
    setTriggerValue(what, { item: data.item, value });
  }

  function stop() {
    rubber?.remove();
    start = rubber = null;
  }

  first.onpointerdown = (event) => {
    if (event.button !== 0) return;
    start = { at: place(event), x: event.clientX, y: event.clientY, target: event.target };
    if (event.pointerType !== "touch") first.setPointerCapture(event.pointerId);
  };
  first.onpointermove = (event) => {
    if (!start || event.pointerType === "touch") return;
    if (!rubber && Math.hypot(event.clientX - start.x, event.clientY - start.y) < DRAG) return;
    if (!rubber) first.append((rubber = element("div", "rubber")));
    const [x0, y0, x1, y1] = corners(start.at, place(event));
    rubber.style.left = `${(100 * x0) / width}%`;
    rubber.style.top = `${(100 * y0) / height}%`;
    rubber.style.width = `${(100 * (x1 - x0)) / width}%`;
    rubber.style.height = `${(100 * (y1 - y0)) / height}%`;
  };
  first.onpointerup = (event) => {
    if (!start) return;
    const { at, target } = start;
    const dragged = rubber !== null;
    stop();
    const box = corners(at, place(event));
    if (dragged) {
      if (box[2] - box[0] >= 1 && box[3] - box[1] >= 1) tell("box", box);
    } else if (target.dataset?.name && !data.hint) {
      tell("pick", target.dataset.name);
    } else {
      tell("point", at);
    }
  };
  first.onpointercancel = stop;

  function corners([ax, ay], [bx, by]) {
    return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
  }

  function pressed(event) {
    const writing = event.composedPath()[0].matches?.("input, textarea, [contenteditable]");
    if (writing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") stop();
    if (event.key === "o") hide();
    if (event.key === "+") zoom(Number(canvas.dataset.zoom) + 1);
    if (event.key === "-") zoom(Number(canvas.dataset.zoom) - 1);
  }
  // This function runs again whenever something changes, without an end in between.
  document.removeEventListener("keydown", canvas.pressed);
  canvas.pressed = pressed;
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", canvas.pressed);
}
