// Requests to the server: they carry the token, try again where that makes sense, and fail in a sentence.

const ATTEMPTS = 6;

// gfm serve --token prints the address with #token=, which browsers send to nobody.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
export const AUTHORIZED = token ? { Authorization: `Bearer ${token}` } : {};

export const OFFLINE = "The server cannot be reached. Is gfm serve still running?";

export class Refusal extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status; // of HTTP; 0 without an answer
  }
}

// tell(text) says what is waited for.
export async function ask(path, { tell = () => {}, attempts = ATTEMPTS, ...options } = {}) {
  const headers = { ...AUTHORIZED, ...options.headers };
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(path, { ...options, headers }).catch((error) => {
      if (error.name === "AbortError") throw error;
      return null;
    });
    if (answer?.ok) return answer;
    const wait = Number(answer?.headers.get("Retry-After")); // only where trying again helps
    if (attempt >= attempts || (answer && !wait)) throw await refusal(answer);
    const seconds = wait || attempt;
    tell(answer ? `The server is busy; trying again in ${seconds} s`
      : `The server cannot be reached; trying again in ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  }
}

export async function refusal(answer) {
  if (!answer) return new Refusal(OFFLINE);
  const { error } = await answer.json().catch(() => ({ error: `error ${answer.status}` }));
  return new Refusal(sentence(error), answer.status);
}

// An upload whose progress is told: tell(text, done), done from 0 to 1 as far as it is known.
export class Sending {
  constructor(path, form, tell) {
    this.path = path;
    this.tell = tell;
    this.cancel = () => {};
    this.answer = this.send(form); // as JSON
  }

  async send(form) {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.post(form);
      if (answer.ok) return answer.json();
      const wait = Number(answer.headers.get("Retry-After"));
      if (!wait || attempt >= ATTEMPTS) throw await refusal(answer);
      await this.pause(wait);
    }
  }

  // XMLHttpRequest, since fetch does not tell how much of an upload is done.
  post(form) {
    const request = new XMLHttpRequest();
    this.cancel = () => request.abort();
    return new Promise((resolve, reject) => {
      let clock;
      request.open("POST", this.path);
      for (const [name, value] of Object.entries(AUTHORIZED)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => {
        const done = loaded / total;
        if (done < 1) this.tell(`Uploading, ${Math.round(100 * done)} %`, done);
      };
      request.upload.onload = () => { clock = this.startClock(); };
      request.onloadend = () => clearInterval(clock);
      request.onload = () => resolve(new Response(request.response, {
        status: request.status,
        headers: { "Retry-After": request.getResponseHeader("Retry-After") ?? "" },
      }));
      request.onerror = () => reject(new Refusal(OFFLINE));
      request.onabort = () => reject(new Refusal("Cancelled."));
      request.send(form);
    });
  }

  startClock() {
    const began = Date.now();
    const tell = () => this.tell(`Cutting out, ${Math.round((Date.now() - began) / 1000)} s`);
    tell();
    return setInterval(tell, 1000);
  }

  pause(seconds) {
    this.tell(`The server is busy; trying again in ${seconds} s`);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, 1000 * seconds);
      this.cancel = () => {
        clearTimeout(timer);
        reject(new Refusal("Cancelled."));
      };
    });
  }
}

export const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
