// Sends a photograph to POST /matte and tells how far that is.

const RETRIES = 5; // after an answer of 503

// gfm serve --token prints the address with #token=, which browsers send to nobody.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
export const AUTHORIZED = token ? { Authorization: `Bearer ${token}` } : {};

export const OFFLINE = "The server cannot be reached. Is gfm serve still running?";

export class Sending {
  // tell(text, done): what is going on, and how much of it is done (0 to 1), if that is known.
  constructor(file, tell) {
    this.tell = tell;
    this.cancel = () => {};
    this.answer = this.send(file); // the parts of the answer, as FormData
  }

  async send(file) {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.post(file);
      if (answer.status === 200) return answer.formData();
      const { error } = await answer.json().catch(() => ({ error: `error ${answer.status}` }));
      if (answer.status !== 503 || attempt === RETRIES) throw new Error(sentence(error));
      await this.pause(Number(answer.headers.get("Retry-After")) || 2);
    }
  }

  // XMLHttpRequest, since fetch does not tell how much of an upload is done.
  post(file) {
    const request = new XMLHttpRequest();
    this.cancel = () => request.abort();
    return new Promise((resolve, reject) => {
      let clock;
      request.open("POST", "matte?output=page");
      request.responseType = "blob";
      for (const [name, value] of Object.entries(AUTHORIZED)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => {
        const done = loaded / total;
        if (done < 1) this.tell(`Uploading, ${Math.round(100 * done)} %`, done);
      };
      request.upload.onload = () => { clock = this.startClock(); };
      request.onloadend = () => clearInterval(clock);
      request.onload = () => resolve(new Response(request.response, {
        status: request.status,
        headers: {
          "Content-Type": request.getResponseHeader("Content-Type"),
          "Retry-After": request.getResponseHeader("Retry-After") ?? "",
        },
      }));
      request.onerror = () => reject(new Error(OFFLINE));
      request.onabort = () => reject(new Error("Cancelled."));
      request.send(file);
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
        reject(new Error("Cancelled."));
      };
    });
  }
}

export const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
