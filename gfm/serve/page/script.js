// The page: a photograph comes in, its matte is shown and corrected.

import * as choosing from "./choosing.js";
import * as keys from "./keys.js";
import * as pointing from "./pointing.js";
import * as results from "./results.js";
import { AUTHORIZED, OFFLINE, sentence } from "./sending.js";
import { Session } from "./session.js";
import { Stage, merge } from "./stage.js";
import { dropOldFiles } from "./store.js";

const find = (id) => document.getElementById(id);
const [work, drop, panel, toolbar, split] = ["work", "drop", "panel", "tools", "split"].map(find);
const stage = new Stage(find("stage"), find("view"));
const SIDE = Math.min(4096, Math.round(2 * Math.max(screen.width, screen.height) *
  Math.min(devicePixelRatio || 1, 2))); // of the pictures that are shown, in px

const CAPTIONS = {
  correct: "Click on what is missing; right click or press long on what is too much.",
  cutout: "The object, cut out.",
  alpha: "Alpha: how opaque each pixel is, from black (not at all) to white (wholly).",
  trimap: "White is object, black is background; grey is the transition between them.",
};
const BEGIN = {
  null: "The automatic matte", trimap: "The trimap that you gave", mask: "The mask that you gave",
};

let limits = null; // of the server: bytes and pixels
let session = null;
let upload = null; // the Sending under way

const tools = {
  get tool() { return toolbar.elements.tool.value; },
  set tool(tool) {
    if (tool === "click" && !session?.takesClicks) return;
    toolbar.elements.tool.value = tool;
    showTool();
  },
  get radius() { return Math.max(0.5, find("radius").value / 2 / stage.scale); },
  set radius(radius) {
    find("radius").value = 2 * radius * stage.scale;
    showTool();
  },
};

function newSession() {
  return new Session({ changed, matte: showMatte, failed, tell, side: SIDE });
}

async function start(file) {
  if (!file) return;
  leave();
  if (limits && file.size > limits.bytes) {
    return showError(`${file.name} has ${megabytes(file.size)}; at most ` +
      `${megabytes(limits.bytes)} are allowed. Choose a smaller file.`);
  }
  const mine = session = newSession();
  const name = file.name.replace(/\.[^.]*$/, "") || "photograph";
  await load(mine, () => mine.open(file, name, null, sent));
}

// Show what `work` brings; a photograph chosen meanwhile, or Cancel, ends it.
async function load(mine, work) {
  drop.hidden = true;
  find("work").hidden = false;
  setWaiting(true);
  showError("");
  const began = performance.now();
  try {
    if (await work() === false) return again();
    if (mine !== session) return;
    const photograph = await createImageBitmap(await mine.photograph());
    if (mine !== session) return photograph.close();
    stage.load(photograph, mine.width, mine.height);
    await mine.refresh();
    if (mine !== session) return;
    stage.unrefined = null;
    setWaiting(false);
    reset();
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    find("caption").textContent = `Done in ${seconds} s. ${CAPTIONS.correct}`;
    stage.element.focus({ preventScroll: true });
  } catch (error) {
    if (mine !== session) return;
    again();
    showError(error.message);
  }
}

function sent(sending) {
  upload = sending;
  tell("Uploading", 0);
  return sending.answer.finally(() => { upload = null; });
}

function leave() {
  upload?.cancel();
  session?.close();
  session = null;
  stage.clear();
  showError("");
}

function again() {
  leave();
  work.hidden = true;
  drop.hidden = false;
  find("file").value = "";
  find("file").focus();
}

function reset() {
  tools.tool = session.takesClicks ? "click" : "keep";
  toolbar.elements.tool[0].disabled = !session.takesClicks;
  panel.elements.compare[2].disabled = !session.refined;
  panel.elements.view.value = "correct";
  panel.elements.compare.value = "nothing";
  showTool();
  changed();
  update();
}

function act(edit) {
  if (find("busy").hidden) session?.act(edit).catch(failed);
}

function step(kind) {
  const { edits, undone, pending } = session ?? { edits: [], undone: [], pending: [] };
  if (pending.length || (kind === "redo" ? undone : edits).length) act({ kind });
}

function changed() {
  if (!session) return;
  const { edits, undone, pending, underWay, guidance } = session;
  find("undo").disabled = find("clear").disabled = !edits.length && !pending.length;
  find("redo").disabled = !undone.length;
  find("working").hidden = !pending.length && !underWay;
  find("notice").hidden = pending.length > 0 || edits.length !== 1 || !edits[0].alone;
  find("begin").textContent = BEGIN[guidance ?? null];
  find("automatic").hidden = !guidance;
  stage.edits = edits.concat(pending.filter(({ path, x }) => path || x !== undefined));
  stage.request();
}

async function showMatte(form, isNewest) {
  const mine = session;
  const cutout = await merge(form);
  if (mine !== session || !isNewest()) return;
  stage.cutout = cutout;
  stage.request();
  if (stage.view.mode === "trimap") await showTrimap();
}

async function showTrimap() {
  const mine = session;
  const trimap = await createImageBitmap(await mine.picture("trimap", SIDE));
  if (mine !== session) return trimap.close();
  stage.trimap?.close();
  stage.trimap = trimap;
  stage.request();
}

async function showUnrefined() {
  const mine = session;
  const unrefined = await merge(await mine.layers("unrefined"));
  if (mine !== session) return;
  stage.unrefined = unrefined;
  stage.request();
}

function update() {
  if (!session) return;
  const { view, compare } = panel.elements;
  Object.assign(stage.view, {
    mode: view.value, compare: compare.value, marks: find("marks").checked,
    background: results.background(),
  });
  find("caption").textContent = CAPTIONS[view.value];
  find("backgrounds").hidden = view.value !== "cutout";
  find("download-composite").hidden = view.value !== "cutout" || !stage.view.background;
  find("download-trimap").hidden = view.value !== "trimap";
  for (const id of ["split", "handle", "left-tag"]) find(id).hidden = compare.value === "nothing";
  find("left-tag").textContent = compare.value === "unrefined" ? "Unrefined" : "Before";
  if (view.value === "trimap") showTrimap().catch(failed);
  if (compare.value === "unrefined" && !stage.unrefined) showUnrefined().catch(failed);
  stage.request();
}

function showTool() {
  find("size").hidden = tools.tool === "click";
  stage.element.classList.toggle("painting", tools.tool !== "click");
  if (stage.brush) Object.assign(stage.brush, { radius: tools.radius, mark: tools.tool });
  stage.request();
}

function setWaiting(waiting) {
  for (const part of [panel, toolbar]) part.inert = waiting;
  work.classList.toggle("waiting", waiting);
  find("busy").hidden = !waiting;
}

function setSplit(percent) {
  split.value = percent;
  stage.view.split = percent / 100;
  stage.element.style.setProperty("--split", `${percent}%`);
  stage.request();
}

// What is waited for: over the picture before it is there, below it afterwards.
function tell(text, done) {
  if (find("busy").hidden) return void (find("caption").textContent = text);
  find("status").textContent = text;
  const bar = find("progress");
  if (done === undefined) bar.removeAttribute("value");
  else bar.value = done;
}

function failed(error) {
  changed();
  showError(error.message);
}

function showError(text) {
  const box = find("error");
  box.querySelector("p").textContent = text;
  box.hidden = !text;
  if (text) box.scrollIntoView({ block: "nearest" }); // it is above what a phone shows
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1).replace(/\.0$/, "")} MB`;

// The next choice of a group of radio buttons.
function press(key) {
  if (key === "m") return find("marks").click();
  const inputs = [...panel.elements[key === "v" ? "view" : "compare"]].filter((e) => !e.disabled);
  inputs[(inputs.findIndex((e) => e.checked) + 1) % inputs.length].click();
}

pointing.listen(stage, tools, act);
keys.listen(stage, tools, {
  act, step, press, say: (text) => { find("caption").textContent = text; },
});
results.listen({ update, failed, tell, session: () => session });

choosing.listen({ start, restart, showError });

addEventListener("hashchange", () => location.reload()); // another token
find("cancel").addEventListener("click", again);
find("again").addEventListener("click", again);
find("error").querySelector("button").addEventListener("click", () => showError(""));
for (const kind of ["undo", "redo", "clear"]) find(kind).addEventListener("click", () => step(kind));
find("in").addEventListener("click", () => stage.zoom(1.25));
find("out").addEventListener("click", () => stage.zoom(0.8));
find("fit").addEventListener("click", () => stage.fit());
find("both").addEventListener("click", () => {
  const [click] = session.edits;
  step("undo");
  act({ ...click, alone: false });
});
for (const form of [panel, toolbar]) form.addEventListener("submit", (e) => e.preventDefault());
panel.addEventListener("change", update);
toolbar.addEventListener("input", showTool);

// Where the trimap or mask is refused, the session stays as it was.
async function restart(guidance) {
  const mine = session;
  setWaiting(true);
  showError("");
  try {
    await mine.restart(guidance, sent);
    if (mine !== session) return;
    stage.unrefined = null;
    await mine.refresh();
  } catch (error) {
    if (mine === session) showError(error.message);
  }
  if (mine !== session) return;
  setWaiting(false);
  reset();
}

split.addEventListener("input", () => setSplit(split.value));
find("handle").addEventListener("pointerdown", (event) => {
  find("handle").setPointerCapture(event.pointerId);
  split.focus({ preventScroll: true });
});
find("handle").addEventListener("pointermove", (event) => {
  if (!find("handle").hasPointerCapture(event.pointerId)) return;
  const { left, width } = stage.element.getBoundingClientRect();
  setSplit(Math.min(100, Math.max(0, 100 * (event.clientX - left) / width)));
});

const header = Object.entries(AUTHORIZED).map(([name, value]) => `-H "${name}: ${value}" `);
find("curl").textContent = `curl ${header.join("")}-F image=@photo.jpg ` +
  `"${location.origin}/matte?output=rgba&format=png" -o cutout.png`;
find("docs").href = `docs${location.hash}`;
fetch("health", { headers: AUTHORIZED }).then((answer) => answer.json()).then((health) => {
  if (health.error) return showError(sentence(health.error));
  limits = health.limits;
  find("model").textContent = health.model;
  find("limits").textContent = "JPEG, PNG, WebP, TIFF or BMP, up to " +
    `${megabytes(limits.bytes)} and ${limits.pixels / 1e6} megapixels`;
}).catch(() => showError(OFFLINE));

dropOldFiles();
if (Session.isKept()) {
  const mine = session = newSession();
  load(mine, () => mine.restore(sent));
}
