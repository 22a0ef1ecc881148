// Mouse, pen and fingers on the picture.

const CLICK = 6; // screen px that a click may wander
const LONG = 500; // ms of a long press
const MOST_CORNERS = 1500; // of a stroke
const WHEEL = 0.0015;

// tools: {get tool(), get radius()}; act(edit) corrects, pressed(point, mark) clicks.
export function listen(stage, tools, act) {
  const { element } = stage;
  const pointers = new Map();
  let gesture = null; // {kind: "press" | "pan" | "stroke" | "pinch", ...}
  let space = false;

  element.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button, input, .handle") || !stage.photograph) return;
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, screen(event));
    stage.cursor = null;
    if (pointers.size === 2) return beginPinch();
    if (pointers.size > 2) return;
    if (event.button === 1 || (space && event.button === 0)) gesture = { kind: "pan" };
    else if (event.button === 0 || event.button === 2) begin(event);
    if (event.button === 1) event.preventDefault(); // scrolling by itself
  });

  function begin(event) {
    const other = event.button === 2 || event.altKey;
    const point = stage.at(event);
    if (tools.tool === "click") {
      gesture = { kind: "press", point, from: screen(event), remove: other };
      if (event.pointerType === "touch") {
        gesture.timer = setTimeout(() => {
          gesture = { kind: "done" };
          if (point) act({ kind: "click", ...point, mark: "remove" });
          navigator.vibrate?.(30);
        }, LONG);
      }
      return;
    }
    const flipped = { keep: "remove", remove: "keep", unknown: "unknown" };
    const mark = other ? flipped[tools.tool] : tools.tool;
    gesture = { kind: "stroke" };
    stage.drawn = { kind: "stroke", path: [], radius: tools.radius, mark };
    extend(event);
  }

  function extend(event) {
    const { path, radius } = stage.drawn;
    const { x, y } = stage.at(event, true);
    const last = path.at(-1);
    if (last && Math.hypot(x - last[0], y - last[1]) < Math.max(1, radius / 4)) return;
    path.push([x, y]);
    if (path.length < MOST_CORNERS) return stage.request();
    const { mark } = stage.drawn;
    act(stage.drawn);
    stage.drawn = { kind: "stroke", path: [[x, y]], radius, mark };
  }

  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    showBrush(event);
    if (!before) return;
    const now = screen(event);
    pointers.set(event.pointerId, now);
    if (gesture?.kind === "pinch") return pinch();
    if (gesture?.kind === "press") {
      if (Math.hypot(now.x - gesture.from.x, now.y - gesture.from.y) < CLICK) return;
      clearTimeout(gesture.timer);
      gesture = { kind: "pan" };
    }
    if (gesture?.kind === "pan") stage.pan(now.x - before.x, now.y - before.y);
    if (gesture?.kind === "stroke") {
      const all = event.getCoalescedEvents?.() ?? [];
      for (const each of all.length ? all : [event]) extend(each);
    }
  });

  element.addEventListener("pointerup", (event) => {
    if (!pointers.delete(event.pointerId)) return;
    const { kind, point, remove, timer } = gesture ?? {};
    clearTimeout(timer);
    const drawn = stage.drawn;
    if (pointers.size === 0) gesture = stage.drawn = null;
    if (kind === "press" && point) act({ kind: "click", ...point, mark: remove ? "remove" : "keep" });
    if (kind === "stroke" && drawn) act(drawn);
    stage.request();
  });

  element.addEventListener("pointercancel", (event) => {
    pointers.delete(event.pointerId);
    clearTimeout(gesture?.timer);
    gesture = stage.drawn = null;
    stage.request();
  });

  element.addEventListener("pointerleave", () => {
    stage.brush = null;
    stage.request();
  });

  function beginPinch() {
    clearTimeout(gesture?.timer);
    stage.drawn = null;
    gesture = { kind: "pinch", before: spread() };
  }

  function pinch() {
    const [before, now] = [gesture.before, spread()];
    stage.pan(now.x - before.x, now.y - before.y);
    stage.zoom(now.apart / before.apart, now);
    gesture.before = now;
  }

  // Middle of two fingers, and how far they are apart.
  function spread() {
    const [a, b] = [...pointers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) || 1 };
  }

  function screen({ clientX, clientY }) {
    const { left, top } = element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  function showBrush(event) {
    const point = tools.tool !== "click" && event.pointerType !== "touch" && stage.photograph
      ? stage.at(event) : null;
    if (!point && !stage.brush) return;
    stage.brush = point && { ...point, radius: tools.radius, mark: tools.tool };
    stage.request();
  }

  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("wheel", (event) => {
    if (!stage.photograph) return;
    event.preventDefault();
    const lines = event.deltaMode ? 16 : 1;
    stage.zoom(Math.exp(-event.deltaY * lines * WHEEL * (event.ctrlKey ? 4 : 1)), screen(event));
  }, { passive: false });

  for (const [kind, held] of [["keydown", true], ["keyup", false]]) {
    addEventListener(kind, (event) => {
      if (event.code !== "Space") return;
      space = held && document.activeElement === element;
      element.classList.toggle("panning", space);
      if (space) event.preventDefault(); // scrolling
    });
  }
}
