// At the end of a payment: back to the shop by itself, unless the payer wants to stay and may.

import { goBack } from "./around";

export function startLeaving(): void {
  const link = document.getElementById("leave") as HTMLAnchorElement | null;
  const line = document.getElementById("leaving");
  // A new window opens for a click alone.
  if (!link || !line || link.target === "_blank") return;
  let left = Number(link.dataset.seconds);
  const words = document.createElement("span");
  line.append(words);
  const tick = () => {
    words.textContent = (link.dataset.text ?? "").replace("{}", String(left));
    if (left <= 0) goBack(link);
    left -= 1;
  };
  tick();
  const timer = window.setInterval(() => {
    tick();
    if (left < 0) clearInterval(timer);
  }, 1000);
  if (link.dataset.stay) line.append(" ", stayButton(link, line, timer));
}

function stayButton(link: HTMLElement, line: HTMLElement, timer: number) {
  const stay = document.createElement("button");
  stay.type = "button";
  stay.className = "link";
  stay.textContent = link.dataset.stay ?? "";
  stay.addEventListener("click", () => {
    clearInterval(timer);
    line.textContent = "";
    link.focus();
  });
  return stay;
}
