// The way to the gateway's own page, and the wait for news while the payer is there in another window.

import { tellLeaving } from "./around";
import { startWaiting } from "./wait";

export function startAway(): void {
  const way = document.getElementById("go");
  if (way instanceof HTMLFormElement) {
    way.addEventListener("submit", (event) => {
      const button = event.submitter as HTMLButtonElement | null;
      if (button?.formTarget !== "_blank") tellLeaving();
    });
    if (way.hasAttribute("data-auto")) way.requestSubmit();
  } else if (way) {
    way.addEventListener("click", tellLeaving);
    if (way.hasAttribute("data-auto")) way.click();
  }
  startWaiting();
}
