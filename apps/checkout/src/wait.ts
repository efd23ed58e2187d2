// A page that waits: asks what became of the payment, less and less often.

interface State {
  status: string;
  next: string | null;
}

const FIRST_MS = 1000;
const LONGEST_MS = 15_000;
const LONG_AFTER_MS = 20_000;
/** A page that nobody looks at any more stops asking. */
const GIVE_UP_MS = 60 * 60 * 1000;

export function nextPause(pause: number): number {
  return Math.min(Math.round(pause * 1.4), LONGEST_MS);
}

export function startWaiting(): void {
  const place = document.getElementById("waiting");
  const url = place?.dataset.poll;
  // What is known already is no news.
  const now = place?.dataset.now;
  if (!place || !url) return;
  const began = performance.now();
  let pause = FIRST_MS;
  const ask = async () => {
    try {
      const answer = await fetch(url, {
        cache: "no-store",
        headers: { accept: "application/json" },
      });
      if (answer.ok) {
        const state = (await answer.json()) as State;
        if (state.next && state.status !== now) {
          location.replace(state.next);
          return;
        }
      }
    } catch {
      // The network comes back or the payer goes away; either way there is nothing else to do.
    }
    const waited = performance.now() - began;
    if (waited > LONG_AFTER_MS) sayItIsLong(place);
    pause = nextPause(pause);
    if (waited < GIVE_UP_MS) setTimeout(ask, pause);
  };
  setTimeout(ask, pause);
}

function sayItIsLong(place: HTMLElement): void {
  const words = place.querySelector(".words");
  if (!words || !place.dataset.long || words.querySelector("[data-late]")) return;
  const line = document.createElement("p");
  line.dataset.late = "";
  line.textContent = place.dataset.long;
  words.append(line);
}
