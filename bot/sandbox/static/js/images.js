// Images of this host only: the sandbox contacts no other one.

import { h, icon } from "./dom.js";

/** An image element or block, or its description where the image lives elsewhere. */
export function imageNode(image) {
  const alt = image.alt_text ?? "";
  const address = image.image_url ?? image.slack_file?.url ?? "";
  let url = null;
  try {
    url = new URL(address, location.href);
  } catch {
    url = null;
  }
  if (url && url.origin === location.origin) {
    return h("img", { class: "image", src: url.pathname + url.search, alt, loading: "lazy" });
  }
  return h(
    "span",
    { class: "image-elsewhere", role: "img", "aria-label": alt || "Image" },
    icon("file"),
    h(
      "span",
      {},
      alt || "Image",
      h("span", { class: "hint" }, "Not loaded: it is on another host"),
    ),
  );
}
