// Every kind of page, on a phone and on a desk, in light and dark: readable, whole, still, protected.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { DESKTOP, PHONE, Payer, startBrowser } from "../support/browser.mjs";
import { heading } from "../support/checkout.mjs";
import { Demo } from "../support/demo.mjs";
import { AROUND, CHECKOUT } from "../support/page_kinds.mjs";

let demo;
let browser;

before(async () => {
  // A page that waits shall wait for as long as it is looked at.
  const more = ["--bank-late-ms", "60000", "--exchange-deadline-ms", "1000"];
  [demo, browser] = await Promise.all([Demo.start({ manualClock: true, more }), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** The page as it is now: nothing stands out, moves, or is hard to read. */
async function inspect(payer, name, { schemes, except }) {
  const { page } = payer;
  const { width } = page.viewportSize();
  const where = `${name} at ${width}`;
  await payer.fits();
  const { shift, moved, violations } = await payer.observed();
  assert.equal(shift, 0, `${where} moves while it loads: ${moved.join("; ")}`);
  assert.deepEqual(violations, [], where);
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    const suffix = colorScheme === "dark" ? "-dark" : "";
    await payer.picture(`${name}${suffix}`);
    assert.deepEqual(await payer.faults({ except }), [], `${where}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

function testKinds(kinds, schemes) {
  for (const [name, { about, open, once = false, except }] of Object.entries(kinds)) {
    test(`row 100: the page "${name}" on a phone and on a desk`, async () => {
      const payer = await Payer.arrive(browser, demo, { screen: PHONE });
      const { page } = payer;
      await open(page, demo);
      await heading(page, about);
      await inspect(payer, name, { schemes, except });
      await page.setViewportSize(DESKTOP);
      if (!once) await page.reload();
      await inspect(payer, name, { schemes, except });
      await payer.leave();
    });
  }
}

testKinds(CHECKOUT, ["light", "dark"]);
testKinds(AROUND, ["light"]);
