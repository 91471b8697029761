// Files in a message: what they are and how big.

import { h, icon } from "./dom.js";

const KINDS = {
  "application/pdf": "PDF",
  "text/plain": "Text",
  "text/csv": "CSV",
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

/** The files of a message. */
export function filesNode(files) {
  return h(
    "ul",
    { class: "files", "aria-label": files.length === 1 ? "File" : `${files.length} files` },
    files.map((file) => h("li", {}, fileNode(file))),
  );
}

function fileNode(file) {
  if (file.mode === "tombstone") return h("span", { class: "file" }, "File was deleted");
  return h(
    "span",
    { class: "file" },
    h("span", { class: "file-icon" }, icon("file")),
    h(
      "span",
      { class: "file-text" },
      h("span", { class: "file-name" }, file.title || file.name),
      h("span", { class: "hint" }, `${kindOf(file)} · ${fileSize(file.size ?? 0)}`),
    ),
  );
}
