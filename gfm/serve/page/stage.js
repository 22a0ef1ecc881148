// The picture: photograph, matte and marks, zoomed and panned. Coordinates are those of the
// photograph in px unless a name says "screen".

import { drawMarks } from "./marks.js";
import { cover } from "./results.js";

const CLOSEST = 32; // screen px for one of the photograph
const FAR = 0.72; // how much what is cut away is darkened
const VEIL = "#0b1220";
const CHECK = 10; // screen px

export class Stage {
  constructor(element, canvas) {
    this.element = element;
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.buffer = document.createElement("canvas");
    this.view = { mode: "correct", background: null, split: 0.5, compare: "nothing", marks: true };
    this.fitted = true;
    this.clear();
    new ResizeObserver(() => this.resize()).observe(element);
  }

  clear() {
    for (const name of ["photograph", "trimap"]) this[name]?.close();
    this.photograph = this.cutout = this.unrefined = this.trimap = this.cursor = null;
    this.edits = [];
    this.brush = this.drawn = null; // {x, y, radius, mark} under the pointer; a stroke being drawn
    this.request();
  }

  load(photograph, width, height) {
    this.clear();
    Object.assign(this, { photograph, width, height });
    this.element.style.setProperty("--aspect", width / height);
    this.resize();
    this.fit();
  }

  resize() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const { width, height } = this.element.getBoundingClientRect();
    Object.assign(this, { ratio, across: width, down: height });
    for (const canvas of [this.canvas, this.buffer]) {
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.max(1, Math.round(height * ratio));
    }
    if (!this.photograph) return;
    if (this.fitted) this.fit();
    else this.moveTo(this.scale, this.left, this.top);
  }

  get fitting() {
    return Math.min(this.across / this.width, this.down / this.height) || 1;
  }

  fit() {
    this.moveTo(this.fitting, 0, 0);
    this.fitted = true;
  }

  // The pixel under a point of the screen stays there.
  zoom(factor, { x, y } = { x: this.across / 2, y: this.down / 2 }) {
    const scale = Math.min(Math.max(this.scale * factor, this.fitting), CLOSEST);
    const part = scale / this.scale;
    this.moveTo(scale, x - part * (x - this.left), y - part * (y - this.top));
    this.fitted = scale <= this.fitting * 1.001;
  }

  pan(dx, dy) {
    this.moveTo(this.scale, this.left + dx, this.top + dy);
  }

  // left, top: where the photograph begins on the screen.
  moveTo(scale, left, top) {
    this.scale = scale;
    this.left = place(left, this.across, scale * this.width);
    this.top = place(top, this.down, scale * this.height);
    this.request();
  }

  reveal({ x, y }) {
    const { x: across, y: down } = this.toScreen({ x, y });
    const margin = Math.min(40, this.across / 4, this.down / 4);
    const need = (at, most) => Math.max(margin - at, 0) + Math.min(most - margin - at, 0);
    this.pan(need(across, this.across), need(down, this.down));
  }

  toScreen({ x, y }) {
    return { x: this.left + (x + 0.5) * this.scale, y: this.top + (y + 0.5) * this.scale };
  }

  // The pixel under a pointer; outside of the photograph the nearest, or none.
  at({ clientX, clientY }, nearest = false) {
    const box = this.element.getBoundingClientRect();
    const x = Math.floor((clientX - box.left - this.left) / this.scale);
    const y = Math.floor((clientY - box.top - this.top) / this.scale);
    const inside = x >= 0 && y >= 0 && x < this.width && y < this.height;
    if (!inside && !nearest) return null;
    return { x: within(x, this.width), y: within(y, this.height) };
  }

  opacityAt({ x, y }) {
    if (!this.cutout) return 0;
    const { width, height } = this.cutout;
    const [column, row] = [Math.floor(x * width / this.width), Math.floor(y * height / this.height)];
    return this.cutout.getContext("2d").getImageData(column, row, 1, 1).data[3] / 255;
  }

  request() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const { context, canvas, view } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.photograph) return;
    this.drawSide(this.cutout, view.mode);
    const other = view.compare === "unrefined" ? this.unrefined : null; // null: the photograph
    if (this.cutout && (other || view.compare === "photograph")) {
      context.save();
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.beginPath();
      context.rect(0, 0, view.split * canvas.width, canvas.height);
      context.clip();
      context.clearRect(0, 0, canvas.width, canvas.height);
      this.drawSide(other, view.mode);
      context.restore();
    }
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    drawMarks(this);
  }

  drawSide(cutout, mode) {
    const { context, view } = this;
    if (!cutout || mode === "correct") this.drawImage(context, this.photograph);
    if (!cutout) return;
    if (mode === "correct") {
      this.layer(VEIL, cutout, "destination-out", FAR);
    } else if (mode === "alpha") {
      this.fill(context, "#000");
      this.layer("#fff", cutout, "destination-in", 1);
    } else if (mode === "trimap" && this.trimap) {
      this.drawImage(context, this.trimap);
    } else {
      this.fill(context, typeof view.background === "string" ? view.background : this.checks());
      if (view.background instanceof ImageBitmap) this.cover(view.background);
      this.drawImage(context, cutout);
    }
  }

  // A colour where the matte is, or where it is not.
  layer(colour, cutout, how, opacity) {
    const { context, buffer } = this;
    const paint = buffer.getContext("2d");
    paint.setTransform(1, 0, 0, 1, 0, 0);
    paint.globalCompositeOperation = "copy";
    paint.fillStyle = "#0000";
    paint.fillRect(0, 0, buffer.width, buffer.height);
    paint.globalCompositeOperation = "source-over";
    this.fill(paint, colour);
    paint.globalCompositeOperation = how;
    this.drawImage(paint, cutout);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = opacity;
    context.drawImage(buffer, 0, 0);
    context.globalAlpha = 1;
  }

  drawImage(context, image) {
    this.place(context);
    context.imageSmoothingEnabled = this.scale * this.width / image.width < 3;
    context.imageSmoothingQuality = "medium";
    context.drawImage(image, 0, 0, this.width, this.height);
  }

  fill(context, style) {
    this.place(context);
    context.fillStyle = style;
    context.fillRect(0, 0, this.width, this.height);
  }

  place(context) {
    const scale = this.ratio * this.scale;
    context.setTransform(scale, 0, 0, scale, this.ratio * this.left, this.ratio * this.top);
  }

  cover(picture) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(0, 0, this.width, this.height);
    this.context.clip();
    cover(this.context, picture, this.width, this.height);
    this.context.restore();
  }

  checks() {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 2 * CHECK;
    const paint = tile.getContext("2d");
    paint.fillStyle = "#fff";
    paint.fillRect(0, 0, 2 * CHECK, 2 * CHECK);
    paint.fillStyle = "#c9cdcb";
    paint.fillRect(0, 0, CHECK, CHECK);
    paint.fillRect(CHECK, CHECK, CHECK, CHECK);
    const pattern = this.context.createPattern(tile, "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / this.scale)); // of one size on the screen
    return pattern;
  }
}

// In the middle where there is room, else without a gap.
function place(at, room, size) {
  return size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at));
}

const within = (at, side) => Math.min(side - 1, Math.max(0, at));

// Colours and opacity of an answer as one picture.
export async function merge(form) {
  const [colours, opacity] = await Promise.all(
    ["colours", "opacity"].map((name) => createImageBitmap(form.get(name))));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [colours.width, colours.height];
  const context = canvas.getContext("2d");
  if (!context) throw new Error("The picture is too large for this browser. Send a smaller one.");
  context.drawImage(colours, 0, 0);
  context.globalCompositeOperation = "destination-in";
  context.drawImage(opacity, 0, 0);
  colours.close();
  opacity.close();
  return canvas;
}
