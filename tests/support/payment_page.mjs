// What a payment page says, read from its HTML without a browser.

const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** The text that HTML stands for. */
function unescaped(html) {
  return html.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/giu, (whole, decimal, hex, name) => {
    if (name) return NAMED[name] ?? whole;
    return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16));
  });
}

const attributes = (tag) =>
  Object.fromEntries(
    [...tag.matchAll(/([\w-]+)="([^"]*)"/gu)].map(([, name, value]) => [name, unescaped(value)]),
  );

/** Shop, amount and description, and what each form of the page brings along. */
export function readPage(html) {
  const text = (name) => {
    const found = html.match(new RegExp(`class="${name}">([^<]*)<`, "u"));
    return found ? unescaped(found[1]) : undefined;
  };
  const forms = [...html.matchAll(/<form([^>]*)>(.*?)<\/form>/gsu)].map(([, head, body]) => {
    const inputs = [...body.matchAll(/<input([^>]*)>/gu)].map(([, input]) => attributes(input));
    const fields = Object.fromEntries(inputs.map(({ name, value = "" }) => [name, value]));
    return { ...attributes(head), fields };
  });
  return {
    shop: text("shop"),
    amount: text("amount"),
    description: text("description"),
    /** Those that pay, by method. */
    ways: new Map(forms.filter(({ fields }) => fields.method).map((f) => [f.fields.method, f])),
    isMessage: /class="[^"]*\bmessage\b/u.test(html),
  };
}
