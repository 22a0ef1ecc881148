// A photograph under correction. The server holds it; the corrections are known here, too, so that
// a session which the server lost is made again.

import { ask, Refusal, Sending } from "./sending.js";
import * as store from "./store.js";

const MOST_ASKED = 3; // pictures on their way at the same time
const GONE = [404, 410];

export class Session {
  // changed(): corrections or what is waited for did; matte(form, isNewest): a newer matte came;
  // failed(error); tell(text, done); side: of the pictures that are shown, in px.
  constructor({ changed, matte, failed, tell, side }) {
    Object.assign(this, { changed, matte, failed, tell, side });
    this.id = null;
    this.edits = [];
    this.undone = [];
    this.pending = []; // not confirmed by the server
    this.queue = Promise.resolve();
    this.asked = this.shown = this.underWay = 0;
  }

  static isKept() {
    return store.recall() !== null;
  }

  async open(file, name, guidance, upload) {
    this.tab = crypto.randomUUID?.() ?? `${Math.random()}`;
    this.name = name;
    await this.send({ file, guidance, name }, upload);
    await store.keepFiles(this.tab, { file, guidance, name });
    this.save();
  }

  // Begin anew from a trimap or mask, or without; the corrections stay.
  async restart(guidance, upload) {
    const files = await store.loadFiles(this.tab);
    if (!files) throw new Refusal("This browser did not keep the photograph. Choose it again.");
    const old = this.id;
    await this.send({ ...files, guidance }, upload);
    await store.keepFiles(this.tab, { ...files, guidance });
    this.save();
    drop(old);
  }

  // The session of this tab, as it was before a reload; false where there was none.
  async restore(upload) {
    const kept = store.recall();
    if (!kept) return false;
    Object.assign(this, kept);
    try {
      await this.sync();
    } catch (error) {
      if (!GONE.includes(error.status)) throw error;
      await this.reopen(upload);
    }
    return true;
  }

  async sync() {
    const answer = await ask(`sessions/${this.id}`, { tell: this.tell });
    this.take(await answer.json());
  }

  // After the server ended the session or was started anew.
  reopen(upload) {
    this.reopening ??= this.again(upload).finally(() => { this.reopening = null; });
    return this.reopening;
  }

  async again(upload) {
    const files = await store.loadFiles(this.tab);
    if (!files) {
      store.forget();
      throw new Refusal("The server has ended the session, and this browser no longer has the " +
        "photograph. Choose it again.");
    }
    await this.send(files, upload);
    this.save();
  }

  async send({ file, guidance, name }, upload = (sending) => sending.answer) {
    const form = new FormData();
    form.append("image", file, name || "photograph");
    if (guidance) form.append(guidance.kind, guidance.file);
    const { edits, undone } = this;
    if (edits.length || undone.length) form.append("state", JSON.stringify({ edits, undone }));
    this.take(await upload(new Sending("sessions", form, this.tell)));
    this.guidance = guidance?.kind ?? null;
  }

  take({ id, width, height, revision, edits, undone, takes_clicks, refined }) {
    if (this.closed) {
      drop(id);
      throw new Refusal("Cancelled.");
    }
    Object.assign(this, { id, width, height, revision, edits, undone, refined });
    this.takesClicks = takes_clicks;
    this.save();
    this.changed();
  }

  save() {
    if (this.closed) return;
    const { tab, id, name, edits, undone, guidance } = this;
    store.remember({ tab, id, name, edits, undone, guidance });
  }

  // Corrections go to the server one after another, each answered before the next is sent.
  act(action) {
    this.pending.push(action);
    this.changed();
    const work = this.queue.then(() => this.post(action));
    this.queue = work.catch(() => {}).then(() => {
      this.pending.splice(this.pending.indexOf(action), 1);
      this.changed();
      if (this.id) this.refresh();
    });
    return work;
  }

  async post(action, again = true) {
    try {
      const answer = await ask(`sessions/${this.id}/clicks?after=${this.revision}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(action),
        tell: this.tell,
      });
      const { revision, edit } = await answer.json();
      this.revision = revision;
      this.perform(action, edit);
      this.save();
    } catch (error) {
      if (again && GONE.includes(error.status)) {
        await this.reopen();
        return this.post(action, false);
      }
      if (error.status !== 409) throw error;
      const { revision } = this;
      await this.sync();
      if (revision === this.revision) throw error; // refused, whatever the revision
      const last = this.edits.at(-1);
      if (isEdit(action) && last && same(last, action)) return; // its first answer was lost
      if (again && isEdit(action)) return this.post(action, false);
      throw new Refusal("This photograph was corrected in another window; its newest state is shown.");
    }
  }

  perform({ kind }, edit) {
    if (edit) {
      this.edits.push(edit);
      this.undone = [];
    } else if (kind === "undo" && this.edits.length) {
      this.undone.push(this.edits.pop());
    } else if (kind === "redo" && this.undone.length) {
      this.edits.push(this.undone.pop());
    } else if (kind === "clear") {
      while (this.edits.length) this.undone.push(this.edits.pop());
    }
  }

  // Show the newest matte. Answers may overtake one another: an older one never replaces a newer.
  async refresh() {
    if (this.underWay >= MOST_ASKED) {
      this.stale = true;
      return;
    }
    const number = ++this.asked;
    this.underWay++;
    this.stale = false;
    this.changed();
    try {
      const form = await this.layers("corrected");
      if (number > this.shown) {
        this.shown = number;
        await this.matte(form, () => number === this.shown);
      }
    } catch (error) {
      this.failed(error);
    }
    this.underWay--;
    this.changed();
    if (this.stale) this.refresh();
  }

  async layers(version) {
    return (await this.get(`matte?output=layers&version=${version}&side=${this.side}`)).formData();
  }

  async picture(output, side = 0) {
    return (await this.get(`matte?output=${output}&side=${side}`)).blob();
  }

  async photograph() {
    return (await this.get(`photograph?side=${this.side}`)).blob();
  }

  async clicks() {
    return (await this.get("clicks")).blob();
  }

  // Once more with a new session where the server has lost this one.
  async get(what) {
    try {
      return await ask(`sessions/${this.id}/${what}`, { tell: this.tell });
    } catch (error) {
      if (!GONE.includes(error.status)) throw error;
      await this.reopen();
      return ask(`sessions/${this.id}/${what}`, { tell: this.tell });
    }
  }

  close() {
    if (this.id) drop(this.id);
    if (this.tab) store.dropFiles(this.tab);
    store.forget();
    this.id = null;
    this.closed = true;
  }
}

function drop(id) {
  ask(`sessions/${id}`, { method: "DELETE", keepalive: true, attempts: 1 }).catch(() => {});
}

const isEdit = ({ kind }) => kind === "click" || kind === "stroke";
const same = (a, b) => a.kind === b.kind && a.mark === b.mark && a.x === b.x && a.y === b.y &&
  JSON.stringify(a.path) === JSON.stringify(b.path);
