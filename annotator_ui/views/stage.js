// The pictures of an item, side by side, magnified together at the same place.
const SPOTS = [null, [50, 12], [50, 50], [50, 88]]; // Z: whole, upper, middle, lower part

export default function ({ parentElement, data }) {
  const stage = parentElement.querySelector(".stage");
  const wanted = JSON.stringify(data);
  if (stage.dataset.shown !== wanted) {
    stage.dataset.shown = wanted;
    stage.style.setProperty("--aspect", data.aspect);
    stage.style.setProperty("--count", data.images.length);
    stage.replaceChildren(...data.images.map(figure));
    zoom(null);
  }

  function figure(image) {
    const whole = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = image.caption;
    const frame = document.createElement("div");
    frame.className = "frame";
    const picture = document.createElement("img");
    picture.src = "/picture/" + encodeURIComponent(image.id);
    picture.alt = image.caption || "Picture to judge";
    picture.draggable = false;
    frame.append(picture);
    whole.append(caption, frame);
    return whole;
  }

  function zoom(spot) {
    stage.classList.toggle("zoomed", spot !== null);
    if (spot) stage.style.setProperty("--spot", `${spot[0]}% ${spot[1]}%`);
    stage.dataset.step = String(Math.max(SPOTS.indexOf(spot), 0));
  }

  function under(event) {
    const frame = event.target.closest?.(".frame");
    if (!frame) return null;
    const box = frame.getBoundingClientRect();
    return [
      (100 * (event.clientX - box.left)) / box.width,
      (100 * (event.clientY - box.top)) / box.height,
    ];
  }

  stage.onclick = (event) => {
    const spot = under(event);
    if (spot) zoom(stage.classList.contains("zoomed") ? null : spot);
  };
  stage.onpointermove = (event) => {
    const spot = stage.classList.contains("zoomed") && under(event);
    if (spot) stage.style.setProperty("--spot", `${spot[0]}% ${spot[1]}%`);
  };

  function pressed(event) {
    const writing = event.composedPath()[0].matches?.("input, textarea, [contenteditable]");
    if (writing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.toLowerCase() !== "z") return;
    const next = (Number(stage.dataset.step) + 1) % SPOTS.length;
    zoom(stage.classList.contains("zoomed") && next === 1 ? null : SPOTS[next]);
  }
  // This function runs again for every item: one listener, or one key would zoom twice.
  document.removeEventListener("keydown", stage.pressed);
  stage.pressed = pressed;
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}
