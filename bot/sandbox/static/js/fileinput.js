// The file_input element: choose files, upload them at once, remember them for the answer.

import { h, icon, uniqueId } from "./dom.js";
import { fileSize } from "./files.js";

/** Renders a `file_input`. */
export function fileInput(element, { block, context, input }) {
  const files = [...(context.values.before(block, element)?.files ?? [])];
  const most = element.max_files ?? 10;
  const id = input?.id ?? uniqueId("file");
  const chips = h("ul", { class: "chips", "aria-label": "Chosen files" });
  const problem = h("p", { class: "field-error", role: "alert" });
  const control = h("input", {
    type: "file",
    id,
    class: "file-control",
    multiple: most > 1,
    accept: element.filetypes?.map((type) => `.${type}`).join(",") || null,
    "aria-describedby": input?.describedBy,
  });

  const draw = () => {
    chips.replaceChildren(
      ...files.map((file) =>
        h(
          "li",
          { class: "chip" },
          icon("file"),
          h("span", { class: "chip-name" }, file.name),
          h("span", { class: "hint" }, fileSize(file.size)),
          h(
            "button",
            {
              type: "button",
              class: "chip-remove",
              "aria-label": `Remove ${file.name}`,
              on: {
                click: () => {
                  files.splice(files.indexOf(file), 1);
                  draw();
                },
              },
            },
            icon("close"),
          ),
        ),
      ),
    );
  };

  control.addEventListener("change", async () => {
    problem.textContent = "";
    for (const file of control.files) {
      if (files.length >= most) {
        const limit = most === 1 ? "one file" : `${most} files`;
        problem.textContent = `At most ${limit}. The others were left out.`;
        break;
      }
      try {
        files.push(await context.api.upload(file));
      } catch (error) {
        problem.textContent = error.message;
      }
    }
    control.value = "";
    draw();
  });
  context.values.add(block, element, () => ({ type: element.type, files: [...files] }));
  draw();
  return h("div", { class: "file-input" }, control, chips, problem);
}
