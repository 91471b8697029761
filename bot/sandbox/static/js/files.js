// Files in a message: what they are and how big.

import { openDialog } from "./dialog.js";
import { h, icon } from "./dom.js";

const KINDS = {
  "application/pdf": "PDF",
  "text/plain": "Text",
  "text/csv": "CSV",
  "text/html": "HTML page",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word document",
};

/** "12 kB" */
export function fileSize(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function kindOf(file) {
  const ending = /\.(\w{1,5})$/.exec(file.name ?? "")?.[1];
  return KINDS[file.mimetype] ?? (ending ? ending.toUpperCase() : "File");
}

/** What the page shows in place; the server sends everything else to be saved. */
const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/**
 * The files of a message: images as pictures, the others by name.
 * @param {object[]} files
 * @param {string} viewer whose page it is.
 */
export function filesNode(files, viewer) {
  const shown = files.some((file) => IMAGES.includes(file.mimetype));
  return h(
    "ul",
    {
      class: shown ? "files pictures" : "files",
      "aria-label": files.length === 1 ? "File" : `${files.length} files`,
    },
    files.map((file) => h("li", {}, fileNode(file, viewer))),
  );
}

function fileNode(file, viewer) {
  if (file.mode === "tombstone") return h("span", { class: "file" }, "File was deleted");
  const address = `/sandbox/file/${encodeURIComponent(file.id)}?user=${encodeURIComponent(viewer)}`;
  if (IMAGES.includes(file.mimetype)) return pictureNode(file, address);
  return h(
    "a",
    { class: "file", href: address, download: file.name },
    h("span", { class: "file-icon" }, icon("file")),
    h(
      "span",
      { class: "file-text" },
      h("span", { class: "file-name" }, file.title || file.name),
      h("span", { class: "hint" }, `${kindOf(file)} · ${fileSize(file.size ?? 0)}`),
    ),
  );
}

function pictureNode(file, address) {
  const title = file.title || file.name;
  const image = () => h("img", { class: "image", src: address, alt: title });
  const open = () => openDialog({ title, body: [image()], className: "picture-dialog" });
  return h(
    "figure",
    { class: "picture" },
    h("figcaption", {}, title),
    h(
      "button",
      { type: "button", class: "picture-open", "aria-label": `Enlarge: ${title}`, on: { click: open } },
      image(),
    ),
  );
}
