// The picture by keys alone: a cursor that clicks and paints.

const STEP = 10; // screen px
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const TOOLS = { c: "click", k: "keep", r: "remove", u: "unknown" };

// tools: {tool, radius} to read and set; act(edit) corrects; step(kind) undoes, redoes, clears;
// say(text) tells what is under the cursor; press(id) presses a control of the page.
export function listen(stage, tools, { act, step, say, press }) {
  const { element } = stage;
  let talking = null;

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !stage.photograph) return;
    const key = event.key.toLowerCase();
    if (key === "z") step(event.shiftKey ? "redo" : "undo");
    else if (key === "y") step("redo");
    else return;
    event.preventDefault();
  });

  element.addEventListener("keydown", (event) => {
    if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
    if (stage.photograph && answer(event)) event.preventDefault();
  });

  function answer({ key, shiftKey }) {
    const low = key.toLowerCase();
    if (key in ARROWS) move(ARROWS[key], shiftKey);
    else if (key === "Enter" || key === "Delete" || key === "Backspace") mark(shiftKey || key !== "Enter");
    else if (key === "Escape") stop();
    else if (low in TOOLS) tools.tool = TOOLS[low];
    else if (key === "[" || key === "]") tools.radius *= key === "]" ? 1.25 : 0.8;
    else if (key === "+" || key === "=") zoom(1.25);
    else if (key === "-") zoom(0.8);
    else if (key === "0") stage.fit();
    else if (key === "1") zoom(1 / stage.scale / (devicePixelRatio || 1));
    else if (low === "m" || low === "b" || low === "v") press(low);
    else return false;
    return true;
  }

  function move([dx, dy], fine) {
    const step = fine ? 1 : Math.max(1, Math.round(STEP / stage.scale));
    const { x, y } = stage.cursor ?? middle();
    stage.cursor = {
      x: Math.min(stage.width - 1, Math.max(0, x + step * dx)),
      y: Math.min(stage.height - 1, Math.max(0, y + step * dy)),
    };
    stage.drawn?.path.push([stage.cursor.x, stage.cursor.y]);
    stage.reveal(stage.cursor);
    clearTimeout(talking);
    talking = setTimeout(tell, 300);
  }

  // The middle of what is seen.
  function middle() {
    const box = element.getBoundingClientRect();
    return stage.at({ clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 }, true);
  }

  function tell() {
    if (!stage.cursor) return;
    const { x, y } = stage.cursor;
    say(`Column ${x}, row ${y}: ${Math.round(100 * stage.opacityAt(stage.cursor))} % object.`);
  }

  // Click, or with a brush begin and end a stroke.
  function mark(remove) {
    stage.cursor ??= middle();
    const { x, y } = stage.cursor;
    if (tools.tool === "click") {
      act({ kind: "click", x, y, mark: remove ? "remove" : "keep" });
    } else if (stage.drawn) {
      act(stage.drawn);
      stage.drawn = null;
    } else {
      const mark = remove && tools.tool === "keep" ? "remove" : tools.tool;
      stage.drawn = { kind: "stroke", path: [[x, y]], radius: tools.radius, mark };
      say("The brush is down: move it, then press Enter again, or Escape.");
    }
    stage.request();
  }

  function stop() {
    if (stage.drawn) stage.drawn = null;
    else stage.cursor = null;
    stage.request();
  }

  function zoom(factor) {
    stage.zoom(factor, stage.cursor ? stage.toScreen(stage.cursor) : undefined);
  }
}
