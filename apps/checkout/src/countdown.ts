// The time that is left to pay.

/** `1:05:09`, `19:32`, `0:07`. */
export function clock(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = two(seconds % 60);
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** Beyond this many seconds the server's rough words are clearer. */
const ROUGH_FROM = 2 * 24 * 3600;
/** A moment for the server's own timer. */
const GRACE_MS = 1500;

export function startCountdown(): void {
  const place = document.getElementById("countdown");
  const total = Number(place?.dataset.seconds);
  if (!place || !Number.isFinite(total) || total >= ROUGH_FROM) return;
  const began = performance.now();
  const tick = () => {
    const left = Math.max(0, Math.ceil(total - (performance.now() - began) / 1000));
    place.textContent = clock(left);
    place.classList.toggle("soon", left < 120);
    const isBusy = document.querySelector("[aria-busy]");
    if (left > 0) setTimeout(tick, 1000);
    else if (!isBusy) setTimeout(() => location.reload(), GRACE_MS);
  };
  tick();
}
