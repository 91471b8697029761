// Who sits at this page: Ana, Leo or Mei.

import { avatar } from "./avatar.js";
import { fill, h, icon } from "./dom.js";
import { openMenu } from "./menu.js";

const KEY = "sandbox-person";

/** The person of this browser tab, as remembered. */
export function rememberedPerson() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Makes `button` show and switch the person. */
export function setUpPerson(app, button) {
  button.addEventListener("click", () => {
    const people = [...app.state.users.values()].filter((user) => !user.is_bot);
    const items = people.map((user) => ({
      label: user.real_name,
      hint: user.title,
      checked: user.id === app.state.me?.id,
      before: avatar(user, "small"),
      run: () => {
        try {
          sessionStorage.setItem(KEY, user.id);
        } catch {
          // Then the next load starts with the first person again.
        }
        app.become(user.id);
      },
    }));
    openMenu(button, items, "Be someone else");
  });
  app.state.on("reset", () => {
    const { me } = app.state;
    button.setAttribute("aria-label", `You are ${me.real_name}. Switch person`);
    fill(
      button,
      avatar(me, "small"),
      h(
        "span",
        { class: "person-text" },
        h("span", { class: "hint" }, "You are"),
        h("strong", {}, me.real_name),
      ),
      icon("chevron"),
    );
  });
}
