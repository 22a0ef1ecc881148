// The page: takes a photograph, shows what comes back for it, and composes downloads.

import { AUTHORIZED, OFFLINE, Sending, sentence } from "./sending.js";

const find = (id) => document.getElementById(id);
const [stage, panel, work, drop, split] = ["stage", "panel", "work", "drop", "split"].map(find);

const CAPTIONS = {
  rgba: "Drag across the picture to compare.",
  alpha: "Alpha: how opaque each pixel is, from black (not at all) to white (wholly).",
  trimap: "What the glance decoder saw: white is object, black is background; in the grey " +
    "transition the focus decoder decides.",
};

let limits = null; // of the server: bytes and pixels
let sending = null; // the photograph under way
let name = "photograph"; // of the chosen file, without its ending
let result = null; // view -> object URL of its PNG
let picture = null; // object URL of the user's background

async function start(file) {
  if (!file) return;
  stop();
  forget();
  showError("");
  if (limits && file.size > limits.bytes) {
    again();
    return showError(`${file.name} has ${megabytes(file.size)}; at most ` +
      `${megabytes(limits.bytes)} are allowed. Choose a smaller file.`);
  }
  name = file.name.replace(/\.[^.]*$/, "") || "photograph";
  showWaiting(file);
  const began = performance.now();
  const mine = sending = new Sending(file, status);
  try {
    const form = await mine.answer;
    if (mine !== sending) return; // another photograph was chosen, or none
    await show(form);
    find("caption").textContent =
      `Done in ${((performance.now() - began) / 1000).toFixed(1)} s. ${CAPTIONS.rgba}`;
  } catch (error) {
    if (mine !== sending) return;
    again();
    showError(error.message);
  }
}

function stop() {
  sending?.cancel();
  sending = null;
}

function showWaiting(file) {
  drop.hidden = true;
  work.hidden = false;
  find("before").src = URL.createObjectURL(file);
  setWaiting(true);
  status("Uploading", 0);
  find("caption").textContent = "";
}

async function show(form) {
  result = {};
  for (const [view, blob] of form) result[view] = URL.createObjectURL(blob);
  await swap(find("before"), result.photograph); // upright and of a kind that browsers know
  setWaiting(false);
  panel.elements.view.value = "rgba";
  setSplit(50);
  update();
  split.focus({ preventScroll: true });
}

function update() {
  if (!result) return;
  const view = panel.elements.view.value;
  const choice = background();
  find("result").src = result[view];
  find("result").alt = { rgba: "The object, cut out", alpha: "Alpha", trimap: "Trimap" }[view];
  find("caption").textContent = CAPTIONS[view];
  find("backgrounds").hidden = view !== "rgba";
  const after = find("after");
  after.classList.toggle("checkers", view === "rgba" && choice === "none");
  after.style.backgroundColor = view === "rgba" ? colourOf(choice) : "";
  const backdrop = find("backdrop");
  backdrop.hidden = view !== "rgba" || choice !== "picture";
  if (!backdrop.hidden) backdrop.src = picture;
  link(find("download"), result.rgba, "cutout");
  find("download-composite").hidden = view !== "rgba" || choice === "none";
  const mask = find("download-mask");
  mask.hidden = view === "rgba";
  mask.textContent = `Download the ${view} (PNG)`;
  link(mask, result[view], view);
}

function background() {
  const choice = panel.elements.background.value;
  return choice === "picture" && !picture ? "none" : choice;
}

function colourOf(choice) {
  if (choice === "colour") return find("colour").value;
  return choice.startsWith("#") ? choice : "";
}

async function downloadComposite() {
  const cutout = find("result");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [cutout.naturalWidth, cutout.naturalHeight];
  const context = canvas.getContext("2d"); // null in some browsers that find it too large
  const choice = background();
  if (context && choice === "picture") {
    cover(context, find("backdrop"), canvas);
  } else if (context) {
    context.fillStyle = colourOf(choice);
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  context?.drawImage(cutout, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) return showError("The picture is too large for this browser; download the cut-out.");
  const anchor = document.createElement("a");
  link(anchor, URL.createObjectURL(blob), "composite");
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
}

// As object-fit: cover shows it.
function cover(context, image, { width, height }) {
  const scale = Math.max(width / image.naturalWidth, height / image.naturalHeight);
  const [w, h] = [image.naturalWidth * scale, image.naturalHeight * scale];
  context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
}

function again() {
  stop();
  forget();
  work.hidden = true;
  drop.hidden = false;
  find("file").value = "";
  find("file").focus();
}

function forget() {
  URL.revokeObjectURL(find("before").src); // the chosen file, where no answer came
  for (const url of Object.values(result ?? {})) URL.revokeObjectURL(url);
  result = null;
}

function setWaiting(waiting) {
  stage.classList.toggle("waiting", waiting);
  panel.classList.toggle("waiting", waiting);
  panel.inert = waiting;
  find("busy").hidden = !waiting;
}

function setSplit(percent) {
  split.value = percent;
  stage.style.setProperty("--split", `${percent}%`);
}

function status(text, done) {
  find("status").textContent = text;
  const bar = find("progress");
  if (done === undefined) bar.removeAttribute("value");
  else bar.value = done;
}

function showError(text) {
  const box = find("error");
  box.querySelector("p").textContent = text;
  box.hidden = !text;
  if (text) box.scrollIntoView({ block: "nearest" }); // it is above what a phone shows
}

function swap(image, url) {
  const old = image.src;
  image.src = url;
  return image.decode().finally(() => {
    if (old.startsWith("blob:")) URL.revokeObjectURL(old);
  });
}

function link(anchor, url, what) {
  anchor.href = url;
  anchor.download = `${name}-${what}.png`;
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1).replace(/\.0$/, "")} MB`;

addEventListener("hashchange", () => location.reload()); // another token
find("file").addEventListener("change", ({ target }) => start(target.files[0]));
find("cancel").addEventListener("click", again);
find("again").addEventListener("click", again);
find("error").querySelector("button").addEventListener("click", () => showError(""));

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  const file = event.dataTransfer.files[0];
  if (file) start(file);
  else showError("That was no file. Save the picture first, then drop the file.");
});
document.addEventListener("paste", ({ clipboardData }) => start(clipboardData.files[0]));

split.addEventListener("input", () => setSplit(split.value));
stage.addEventListener("pointerdown", (event) => {
  if (!result || event.button !== 0) return;
  stage.setPointerCapture(event.pointerId);
  followPointer(event);
});
stage.addEventListener("pointermove", (event) => {
  if (stage.hasPointerCapture(event.pointerId)) followPointer(event);
});

function followPointer({ clientX }) {
  const { left, width } = stage.getBoundingClientRect();
  setSplit(Math.min(100, Math.max(0, 100 * (clientX - left) / width)));
}

panel.addEventListener("submit", (event) => event.preventDefault());
panel.addEventListener("change", update);
find("colour").addEventListener("input", () => {
  panel.elements.background.value = "colour";
  update();
});
find("pick").addEventListener("click", () => find("picture").click());
panel.querySelector("[value=picture]").addEventListener("click", () => {
  if (!picture) find("picture").click();
});
find("picture").addEventListener("change", async ({ target }) => {
  const file = target.files[0];
  if (!file) return;
  try {
    (await createImageBitmap(file)).close();
  } catch {
    return showError(`${file.name} cannot be shown by this browser. Choose another picture.`);
  }
  if (picture) URL.revokeObjectURL(picture);
  picture = URL.createObjectURL(file);
  panel.elements.background.value = "picture";
  update();
});
find("download-composite").addEventListener("click", downloadComposite);

const header = Object.entries(AUTHORIZED).map(([name, value]) => `-H "${name}: ${value}" `);
find("curl").textContent = `curl ${header.join("")}-F image=@photo.jpg ` +
  `"${location.origin}/matte?output=rgba&format=png" -o cutout.png`;
fetch("health", { headers: AUTHORIZED }).then((answer) => answer.json()).then((health) => {
  if (health.error) return showError(sentence(health.error));
  limits = health.limits;
  find("model").textContent = health.model;
  find("limits").textContent = "JPEG, PNG, WebP, TIFF or BMP, up to " +
    `${megabytes(limits.bytes)} and ${limits.pixels / 1e6} megapixels`;
}).catch(() => showError(OFFLINE));
