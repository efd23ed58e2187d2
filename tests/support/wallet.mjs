// A payer at the wallet partner's page, without a browser.

import assert from "node:assert/strict";

/** Opens a page as a shop's customer is told to; gives its text. */
export async function open({ url, method, body }) {
  const fields = Object.keys(body ?? {}).length ? new URLSearchParams(body) : undefined;
  const answer = await fetch(url, { method, body: method === "POST" ? fields : undefined });
  assert.equal(answer.status, 200);
  return answer.text();
}

/** Presses `pay`, `decline` or `leave` on the page that `redirect_data` leads to. */
export async function press(redirectData, action) {
  const page = await open(redirectData);
  const path = page.match(/action="([^"]+\/answer)"/u)[1];
  const url = new URL(path, redirectData.url);
  const body = new URLSearchParams({ action });
  const answer = await fetch(url, { method: "POST", body, redirect: "manual" });
  assert.ok(answer.status < 400, `${answer.status}`);
  await answer.arrayBuffer();
}
