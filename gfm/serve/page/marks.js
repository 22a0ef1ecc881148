// Clicks, strokes, brush and cursor over the picture.

const COLOURS = { keep: "#12a150", remove: "#e5484d", unknown: "#ffb224" };

export function drawMarks(stage) {
  if (stage.view.marks) {
    for (const edit of stage.edits) {
      if (edit.kind === "stroke") drawStroke(stage, edit, edit.mark === "unknown" ? 0.3 : 0.12);
      else drawClick(stage, edit);
    }
  }
  if (stage.drawn) drawStroke(stage, stage.drawn, 0.5);
  if (stage.brush) drawRing(stage, stage.brush);
  if (stage.cursor) drawCursor(stage);
}

function drawCursor(stage) {
  const { context, cursor } = stage;
  const { x, y } = stage.toScreen(cursor);
  for (const [width, colour] of [[4, "#000"], [2, "#fff"]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 4 * dx, y + 4 * dy);
      context.lineTo(x + 14 * dx, y + 14 * dy);
    }
    context.stroke();
  }
}

function drawClick(stage, { x: column, y: row, mark }) {
  const { context } = stage;
  const { x, y } = stage.toScreen({ x: column, y: row });
  context.beginPath();
  context.arc(x, y, 8, 0, 7);
  context.fillStyle = COLOURS[mark];
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = "#fff";
  context.stroke();
  context.beginPath();
  context.moveTo(x - 4, y);
  context.lineTo(x + 4, y);
  if (mark === "keep") {
    context.moveTo(x, y - 4);
    context.lineTo(x, y + 4);
  }
  context.stroke();
}

function drawStroke(stage, { path, radius, mark }, opacity) {
  const { context } = stage;
  context.beginPath();
  for (const [x, y] of path.length > 1 ? path : [path[0], path[0]]) {
    const at = stage.toScreen({ x, y });
    context.lineTo(at.x, at.y);
  }
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = Math.max(2, 2 * radius * stage.scale);
  context.globalAlpha = opacity;
  context.strokeStyle = COLOURS[mark];
  context.stroke();
  context.globalAlpha = 1;
}

function drawRing(stage, { x, y, radius, mark }) {
  const { context } = stage;
  const at = stage.toScreen({ x, y });
  for (const [width, colour] of [[3, "#000a"], [1.5, COLOURS[mark]]]) {
    context.beginPath();
    context.arc(at.x, at.y, Math.max(2, radius * stage.scale), 0, 7);
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }
}
