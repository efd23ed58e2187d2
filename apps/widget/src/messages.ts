// What our page in a frame and the widget around it say to each other: JSON texts with a `message`.
// Both sides know the other's origin and window, and hear nobody else.

export interface Size {
  width: number;
  height: number;
}

/** What is wrong, by field. */
export type Errors = Record<string, string>;

/** A page of ours tells the widget. */
export type FromFrame =
  | {
      /** A page has been opened in the frame. */
      message: "epframe.page";
      /** What kind of page: `form`, `wait`, `steps`, `away` or `message`. */
      role: string;
      /** Where the payment stands: `draft` before there is one, `failed` if the link is wrong. */
      standing: string;
      /** The payment, as the shop may know it. */
      told: Told | null;
      /** The page's heading. */
      heading: string;
      size: Size;
    }
  | { message: "epframe.resize"; size: Size }
  /** The payer has chosen a way of paying; so it is for the one that is open first. */
  | { message: "epframe.method"; name: string; code: string; kind: "card" | "wallet" }
  /** The fields were looked at. */
  | { message: "epframe.checked"; errors: Errors; asked: boolean }
  /** The fields are right and the payer wants to pay; it goes on with `epframe.go_on`. */
  | { message: "epframe.submit"; method: string }
  /** The form is on its way. */
  | { message: "epframe.sent" }
  /** The frame goes on to a page that is not ours. */
  | { message: "epframe.leaving" }
  /** The payer goes back to the shop by itself. */
  | { message: "epframe.back"; url: string }
  | { message: "epframe.enter" }
  | { message: "epframe.escape" };

/** The widget, or the shop's page, tells the page in the frame. */
export type ToFrame =
  /** What the shop wants to be asked about. */
  | { message: "epframe.wishes"; checks: boolean; enters: boolean }
  /** The answer to `epframe.submit`. */
  | { message: "epframe.go_on"; goes: boolean }
  /** Look at the fields. */
  | { message: "epframe.embedded_mode.check_validation" }
  /** Pay. */
  | { message: "epframe.embedded_mode.submit"; fields?: Record<string, unknown> };

/** A payment as a shop may know it. */
export interface Told {
  payment_id: string;
  type: string;
  status: string;
  amount: number;
  currency: string;
  method?: string;
  request_id?: string;
  code?: string;
  message?: string;
  return_url?: string;
}

/** A message that somebody sent, if it is one of ours; what it holds beyond its name is not looked at. */
export function read<T extends { message: string }>(data: unknown): T | undefined {
  if (typeof data !== "string" || !data.startsWith("{")) return undefined;
  try {
    const said = JSON.parse(data) as { message?: unknown };
    const name = said.message;
    return typeof name === "string" && name.startsWith("epframe.") ? (said as T) : undefined;
  } catch {
    return undefined;
  }
}
