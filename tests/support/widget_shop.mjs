// A shop's own page with the widget on it, at an origin of its own. The page keeps every call of a handler
// in `window.calls`, and everything a frame posts to it in `window.heard`.

import { createServer } from "node:http";

const HANDLERS = [
  "onLoaded",
  "onFailLoading",
  "onPaymentMethodSelect",
  "onPaymentSent",
  "onPaymentSubmitResult",
  "onRedirectIframe",
  "onRedirectIframeComplete",
  "onPaymentSuccess",
  "onPaymentFail",
  "onCardVerifySuccess",
  "onCardVerifyFail",
  "onDestroy",
  "onExit",
  "onEnterKeyPressed",
  "onEmbeddedModeCheckValidationResponse",
  "onValidationError",
  "onShowLoader",
  "onHideLoader",
];

const page = (gateway) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${gateway}/shared/merchant.css">
<script src="${gateway}/shared/merchant.js"></script>
<style>body{margin:0;font:16px system-ui;padding:24px;background:#eef}</style></head>
<body><h1>Tea</h1><p>Two packs of Darjeeling.</p><button id="buy">Buy</button>
<button id="own">Pay with the shop's own button</button><div id="place"></div>
<script>
window.calls = [];
window.heard = [];
window.sized = [];
addEventListener("message", (event) => heard.push([event.origin, event.data]));
window.withHandlers = (config, names = ${JSON.stringify(HANDLERS)}) => {
  const made = { ...config, onResize: (size) => sized.push(size) };
  for (const name of names) {
    made[name] = (...told) => calls.push([name, ...told.map((value) => JSON.parse(JSON.stringify(value)))]);
  }
  return made;
};
</script></body></html>`;

export class WidgetShop {
  #server;

  static async start(gateway) {
    const shop = new WidgetShop();
    shop.#server = createServer((request, response) => {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(page(gateway));
    });
    await new Promise((done) => shop.#server.listen(0, "127.0.0.1", done));
    shop.url = `http://127.0.0.1:${shop.#server.address().port}`;
    return shop;
  }

  stop() {
    this.#server.closeAllConnections();
    return new Promise((done) => this.#server.close(done));
  }
}
