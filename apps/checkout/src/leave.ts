// After a success: back to the shop by itself, unless the payer wants to stay.

export function startLeaving(): void {
  const link = document.getElementById("leave") as HTMLAnchorElement | null;
  const line = document.getElementById("leaving");
  if (!link || !line) return;
  let left = Number(link.dataset.seconds);
  const words = document.createElement("span");
  const stay = document.createElement("button");
  stay.type = "button";
  stay.className = "link";
  stay.textContent = link.dataset.stay ?? "";
  line.append(words, " ", stay);
  const tick = () => {
    words.textContent = (link.dataset.text ?? "").replace("{}", String(left));
    if (left <= 0) location.assign(link.href);
    left -= 1;
  };
  tick();
  const timer = setInterval(() => {
    tick();
    if (left < 0) clearInterval(timer);
  }, 1000);
  stay.addEventListener("click", () => {
    clearInterval(timer);
    line.textContent = "";
    link.focus();
  });
}
