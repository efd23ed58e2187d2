// The way to the gateway's own page, and the wait for news while the payer is there in another window.

import { tellLeaving } from "./around";
import { startWaiting } from "./wait";

export function startAway(): void {
  const way = document.getElementById("go");
  way?.addEventListener(way instanceof HTMLFormElement ? "submit" : "click", tellLeaving);
  if (way?.hasAttribute("data-auto")) {
    if (way instanceof HTMLFormElement) way.requestSubmit();
    else way.click();
  }
  startWaiting();
}
