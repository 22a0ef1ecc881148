// What outlives a reload: the corrections of this tab, and its photograph.

const KEY = "gfm";
const DAY = 24 * 3600 * 1000; // ms

export function remember(state) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(state));
  } catch { /* full or forbidden: nothing outlives a reload then */ }
}

export function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

export function forget() {
  try {
    sessionStorage.removeItem(KEY);
  } catch { /* as above */ }
}

// Files: {file, guidance: {kind, file} or null, name}. Without IndexedDB there are none.
export async function keepFiles(tab, files) {
  await transact("readwrite", (store) => store.put({ ...files, time: Date.now() }, tab));
}

export async function loadFiles(tab) {
  return (await transact("readonly", (store) => store.get(tab))) ?? null;
}

export async function dropFiles(tab) {
  await transact("readwrite", (store) => store.delete(tab));
}

// Those of tabs that were closed.
export async function dropOldFiles() {
  await transact("readwrite", (store) => {
    const request = store.openCursor();
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return;
      if (Date.now() - cursor.value.time > DAY) cursor.delete();
      cursor.continue();
    };
    return request;
  });
}

async function transact(mode, ask) {
  try {
    const database = await done(open());
    const transaction = database.transaction("files", mode);
    const request = ask(transaction.objectStore("files"));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
    database.close();
    return request.result;
  } catch {
    return null; // full or forbidden
  }
}

function open() {
  const request = indexedDB.open("gfm", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("files");
  return request;
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
