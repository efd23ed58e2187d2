// What is sent to the gateway: the shop's parameters as they are, and who asks.

/** What a shop gives the widget: parameters, a signature, handlers. */
export type Config = Record<string, unknown>;

export interface Frame {
  /** How the page is shown: unsigned by protocol. */
  mode: "popup" | "iframe" | "embedded";
  /** Whose page is around it. */
  origin: string;
}

/** The parameters as they travel. What is undefined or a function stays here. */
export function parametersOf(config: Config, frame?: Frame): [string, string][] {
  const pairs: [string, string][] = [];
  for (const [name, value] of Object.entries(config)) {
    if (value === undefined || value === null || typeof value === "function") continue;
    if (name === "frame_mode" || name === "_origin") continue;
    pairs.push([name, textOf(value)]);
  }
  if (frame) pairs.push(["frame_mode", frame.mode], ["_origin", frame.origin]);
  return pairs;
}

function textOf(value: unknown): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * The address of the payment page: beside this script, or on the host that the shop names, with or
 * without the path.
 */
export function pageUrl(config: Config, script: string): string {
  const named = config.baseUrl ?? config.baseurl;
  const base = typeof named === "string" && /^https?:\/\//i.test(named) ? named : script;
  const url = new URL(base);
  const path = url.pathname.replace(/\/(shared\/[^/]*|payment)?\/?$/, "");
  return `${url.origin}${path}/payment`;
}

/** 1, "1" and true. */
export function isOn(value: unknown): boolean {
  return value === true || String(value) === "1" || String(value).toLowerCase() === "true";
}
