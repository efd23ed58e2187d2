// A shop that sends its buyers to the Payment Page: signed links, and the partner's page behind a wallet.

import ecommpay from "ecommpay";

import { freshId } from "./gate.mjs";

const { signer } = ecommpay;

/** Parameters with their signature: what a shop must say, and `more`. */
export function signed(demo, more = {}) {
  const all = {
    project_id: String(demo.ecommpay.project_id),
    payment_id: freshId(),
    payment_amount: "15000",
    payment_currency: "INR",
    customer_id: "customer1",
    payment_description: "Дарджилинг 100 г × 2 и доставка",
    ...more,
  };
  const told = Object.entries(all).filter(([, value]) => value !== undefined);
  const parameters = Object.fromEntries(told);
  return { ...parameters, signature: signer(parameters, demo.ecommpay.secret) };
}

/** The address of a page; `added` is what nobody signs. */
export function link(demo, more = {}, added = {}) {
  const query = new URLSearchParams({ ...signed(demo, more), ...added });
  return `${demo.ecommpay.payment_page_url}?${query}`;
}

/** Presses `pay`, `decline` or `leave` at the wallet partner's page; waits for the page first. */
export async function atPartner(page, action) {
  await page.locator(`button[value=${action}]`).click();
}

/** Opens a way of paying on the page. */
export async function choose(page, method) {
  const way = page.locator(`details[data-method="${method}"]`);
  if (!(await way.evaluate((element) => element.open))) await way.locator("summary").click();
  return way;
}
