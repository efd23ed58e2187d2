// Opens the Payment Page in a window over the shop's page, and goes to the order when it is over.
const main = document.querySelector("main[data-config]");

function toOrder() {
  location.assign(main.dataset.path);
}

function fail() {
  main.querySelector("[data-no-window]").hidden = false;
}

function open() {
  if (!window.EPayWidget) {
    fail();
    return;
  }
  window.EPayWidget.run({
    ...JSON.parse(main.dataset.config),
    onFailLoading: fail,
    onExit: toOrder,
    onDestroy: toOrder,
  });
}

main.querySelector("[data-action=open]").addEventListener("click", open);
main.querySelector("[data-scripted]").hidden = false;
open();
