// Photographs that are chosen, dropped or pasted, and trimaps and masks for them.

const find = (id) => document.getElementById(id);

// start(file) takes a photograph; restart(guidance) begins anew from {kind, file}, or from nothing.
export function listen({ start, restart, showError }) {
  find("file").addEventListener("change", ({ target }) => start(target.files[0]));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    const file = event.dataTransfer.files[0];
    if (file) start(file);
    else showError("That was no file. Save the picture first, then drop the file.");
  });
  document.addEventListener("paste", ({ clipboardData }) => start(clipboardData.files[0]));

  let kind = null; // of the guidance that is chosen
  for (const name of ["trimap", "mask"]) {
    find(name).addEventListener("click", () => {
      kind = name;
      find("guidance").click();
    });
  }
  find("guidance").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (file) restart({ kind, file });
  });
  find("automatic").addEventListener("click", () => restart(null));
}
