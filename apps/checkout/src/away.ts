// The way to the gateway's own page, and the wait for news while the payer is there in another window.

import { startWaiting } from "./wait";

export function startAway(): void {
  const way = document.getElementById("go");
  if (way?.hasAttribute("data-auto")) {
    if (way instanceof HTMLFormElement) way.submit();
    else way.click();
  }
  startWaiting();
}
