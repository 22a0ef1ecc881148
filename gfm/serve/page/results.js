// Backgrounds and downloads.

const find = (id) => document.getElementById(id);
const panel = find("panel");

let picture = null; // the user's background, as ImageBitmap

// A colour, a picture, or null where the cut-out stays transparent.
export function background() {
  const choice = panel.elements.background.value;
  if (choice === "colour") return find("colour").value;
  if (choice === "picture") return picture;
  return choice === "none" ? null : choice;
}

// update(): another background; failed(error); tell(text); session() is the one that is shown.
export function listen({ update, failed, tell, session }) {
  find("colour").addEventListener("input", () => {
    panel.elements.background.value = "colour";
    update();
  });
  find("pick").addEventListener("click", () => find("picture").click());
  panel.querySelector("[value=picture]").addEventListener("click", () => {
    if (!picture) find("picture").click();
  });
  find("picture").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (!file) return;
    try {
      const read = await createImageBitmap(file);
      picture?.close();
      picture = read;
    } catch {
      return failed(new Error(`${file.name} cannot be shown by this browser. Choose another picture.`));
    }
    panel.elements.background.value = "picture";
    update();
  });

  const files = {
    download: ["cutout.png", () => session().picture("rgba")],
    "download-alpha": ["alpha.png", () => session().picture("alpha")],
    "download-trimap": ["trimap.png", () => session().picture("trimap")],
    "download-clicks": ["clicks.json", () => session().clicks()],
    "download-composite": ["composite.png", () => composite(session())],
  };
  for (const [id, [ending, make]] of Object.entries(files)) {
    find(id).addEventListener("click", async () => {
      find(id).disabled = true;
      tell("Preparing the file…");
      try {
        const { name } = session();
        save(await make(), `${name}-${ending}`);
        tell(`${name}-${ending} is ready.`);
      } catch (error) {
        failed(error);
      }
      find(id).disabled = false;
    });
  }

  async function composite(session) {
    const cutout = await createImageBitmap(await session.picture("rgba"));
    const { width, height } = cutout;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d"); // null in some browsers that find it too large
    const chosen = background();
    if (context && chosen instanceof ImageBitmap) {
      cover(context, chosen, width, height);
    } else if (context) {
      context.fillStyle = chosen;
      context.fillRect(0, 0, width, height);
    }
    context?.drawImage(cutout, 0, 0);
    cutout.close();
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    if (blob) return blob;
    throw new Error("The picture is too large for this browser; download the cut-out.");
  }
}

// As object-fit: cover shows it.
export function cover(context, image, width, height) {
  const scale = Math.max(width / image.width, height / image.height);
  const [across, down] = [image.width * scale, image.height * scale];
  context.drawImage(image, (width - across) / 2, (height - down) / 2, across, down);
}

function save(blob, name) {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(blob);
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
}
