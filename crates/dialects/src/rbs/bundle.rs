//! The cart of an order (`orderBundle`): its arithmetic must agree with the order; it is kept and echoed.

use std::collections::HashSet;

use altyn_domain::Money;
use serde::Deserialize;
use serde_json::Value;

use super::error::Fault;
use super::fields;
use super::messages::Message;

/// Kinds of tax that fiscal rules of the family know.
const TAX_TYPES: [i64; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14];

/// Most decimals of a quantity.
const QUANTITY_DECIMALS_MAX: usize = 6;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    cart_items: Option<Cart>,
}

#[derive(Deserialize)]
struct Cart {
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    position_id: Value,
    name: String,
    quantity: Quantity,
    item_amount: Option<Value>,
    item_price: Option<Value>,
    item_currency: Option<Value>,
    item_code: Option<Value>,
    tax: Option<Tax>,
}

#[derive(Deserialize)]
struct Quantity {
    value: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tax {
    tax_type: Option<Value>,
    tax_sum: Option<Value>,
}

/// A text or a number as text; an absent or empty value is `None`.
fn plain(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn malformed(what: &str) -> Fault {
    Fault::of("8", Message::CartMalformed, what)
}

/// Reads a cart and checks it against the amount of its order.
pub(super) fn read(text: &str, amount: Money) -> Result<Value, Fault> {
    let value: Value = serde_json::from_str(text).map_err(|_| malformed("JSON"))?;
    if fields::value_has_markup(&value) {
        return Err(Fault::of("5", Message::MarkupForbidden, "orderBundle"));
    }
    let bundle = Bundle::deserialize(&value).map_err(|_| malformed("cartItems"))?;
    if let Some(cart) = bundle.cart_items {
        check(&cart, amount)?;
    }
    Ok(value)
}

fn check(cart: &Cart, amount: Money) -> Result<(), Fault> {
    if cart.items.is_empty() {
        return Err(malformed("cartItems.items"));
    }
    let (mut positions, mut codes) = (HashSet::new(), HashSet::new());
    let mut sum: i64 = 0;
    for item in &cart.items {
        let position = plain(Some(&item.position_id)).ok_or_else(|| malformed("positionId"))?;
        if !positions.insert(position) {
            return Err(malformed("positionId"));
        }
        if plain(item.item_code.as_ref()).is_some_and(|code| !codes.insert(code)) {
            return Err(malformed("itemCode"));
        }
        if item.name.trim().is_empty() {
            return Err(malformed("name"));
        }
        check_currency(item, amount)?;
        check_tax(item)?;
        sum = sum
            .checked_add(item_amount(item)?)
            .ok_or_else(|| malformed("itemAmount"))?;
    }
    if sum == amount.minor() {
        Ok(())
    } else {
        Err(Fault::new("8", Message::CartSumDiffers))
    }
}

fn check_currency(item: &Item, amount: Money) -> Result<(), Fault> {
    match plain(item.item_currency.as_ref()) {
        Some(text) if fields::currency(&text) != Some(amount.currency()) => {
            Err(Fault::new("8", Message::CartCurrencyDiffers))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_tax(item: &Item) -> Result<(), Fault> {
    let Some(tax) = &item.tax else { return Ok(()) };
    let kind = plain(tax.tax_type.as_ref());
    if kind.is_some_and(|kind| !kind.parse().is_ok_and(|kind| TAX_TYPES.contains(&kind))) {
        return Err(malformed("taxType"));
    }
    match plain(tax.tax_sum.as_ref()) {
        Some(text) if fields::amount(&text).is_none() => Err(malformed("taxSum")),
        Some(_) | None => Ok(()),
    }
}

/// A positive quantity as a whole number and the power of ten it is to be divided by.
fn quantity(item: &Item) -> Option<(i128, i128)> {
    let text = plain(Some(&item.quantity.value))?;
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let numeric = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let fits = whole.len() <= 9 && fraction.len() <= QUANTITY_DECIMALS_MAX;
    if whole.is_empty() || !fits || !numeric(whole) || !numeric(fraction) {
        return None;
    }
    let value: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    (value > 0).then_some((value, scale))
}

/// The amount of a position; with a price as well, price times quantity must give it to the minor unit.
fn item_amount(item: &Item) -> Result<i64, Fault> {
    let minor = |value: Option<&Value>, name| match plain(value) {
        Some(text) => fields::amount(&text)
            .map(Some)
            .ok_or_else(|| malformed(name)),
        None if value.is_some_and(|value| !value.is_null()) => Err(malformed(name)),
        None => Ok(None),
    };
    let (count, scale) = quantity(item).ok_or_else(|| malformed("quantity"))?;
    let told = minor(item.item_amount.as_ref(), "itemAmount")?;
    let price = minor(item.item_price.as_ref(), "itemPrice")?;
    match (told, price) {
        (Some(told), Some(price)) => {
            let off = i128::from(price) * count - i128::from(told) * scale;
            if off.abs() < scale {
                Ok(told)
            } else {
                Err(malformed("itemAmount"))
            }
        }
        (Some(told), None) => Ok(told),
        (None, Some(price)) => {
            let product = i128::from(price) * count;
            let exact = product % scale == 0;
            let amount = i64::try_from(product / scale).ok().filter(|_| exact);
            amount.ok_or_else(|| malformed("itemAmount"))
        }
        (None, None) => Err(malformed("itemAmount")),
    }
}

#[cfg(test)]
mod tests {
    use altyn_domain::Currency;
    use serde_json::json;

    use super::*;

    fn code(items: &Value) -> Result<(), (&'static str, Message)> {
        let amount = Money::new(1_000, Currency::KZT).unwrap();
        let text = json!({ "cartItems": { "items": items } }).to_string();
        read(&text, amount)
            .map(drop)
            .map_err(|fault| (fault.code, fault.message))
    }

    fn item(position: &str, amount: i64) -> Value {
        json!({ "positionId": position, "name": "Чай", "quantity": { "value": 2, "measure": "шт" },
            "itemAmount": amount, "itemCode": position })
    }

    #[test]
    fn a_cart_that_adds_up_is_taken() {
        assert_eq!(code(&json!([item("1", 400), item("2", 600)])), Ok(()));
        let priced = json!([{ "positionId": 1, "name": "Ет", "quantity": { "value": "0.333" }, "itemPrice": 3003,
            "itemAmount": "1000", "itemCurrency": 398, "itemCode": "A", "tax": { "taxType": 0, "taxSum": 0 } }]);
        assert_eq!(code(&priced), Ok(()));
        let computed = json!([{ "positionId": "1", "name": "Нан", "quantity": { "value": 2.5 }, "itemPrice": 400 }]);
        assert_eq!(code(&computed), Ok(()));
    }

    #[test]
    fn a_cart_that_does_not_add_up_is_error_8() {
        let differs = Err(("8", Message::CartSumDiffers));
        assert_eq!(code(&json!([item("1", 999)])), differs);
        assert_eq!(code(&json!([item("1", 1_000), item("2", 1)])), differs);
        let mut foreign = item("1", 1_000);
        foreign["itemCurrency"] = json!("643");
        assert_eq!(
            code(&json!([foreign])),
            Err(("8", Message::CartCurrencyDiffers))
        );
    }

    #[test]
    fn a_malformed_cart_is_error_8() {
        let mut wrong = vec![
            json!([]),
            json!({}),
            json!([{}]),
            json!([item("1", 500), item("1", 500)]),
        ];
        let changes = [
            ("quantity", json!({ "value": 0 })),
            ("quantity", json!({ "value": -1 })),
            ("quantity", json!({ "value": "1e2" })),
            ("name", json!(" ")),
            ("itemAmount", json!(1_000.5)),
            ("itemAmount", json!(null)),
            ("itemAmount", json!([1])),
            ("itemPrice", json!(499)),
            ("tax", json!({ "taxType": 99 })),
            ("tax", json!({ "taxSum": -1 })),
        ];
        for (name, value) in changes {
            let mut changed = item("1", 1_000);
            changed[name] = value;
            wrong.push(json!([changed]));
        }
        for items in wrong {
            assert_eq!(code(&items), Err(("8", Message::CartMalformed)), "{items}");
        }
        let amount = Money::new(1_000, Currency::KZT).unwrap();
        assert_eq!(read("{", amount).err().map(|fault| fault.code), Some("8"));
    }

    #[test]
    fn what_is_no_cart_is_only_kept() {
        let amount = Money::new(1_000, Currency::KZT).unwrap();
        let text = r#"{"customerDetails":{"email":"a@b.kz"}}"#;
        assert_eq!(
            read(text, amount).unwrap(),
            json!({ "customerDetails": { "email": "a@b.kz" } })
        );
        let markup = r#"{"customerDetails":{"contact":"\u003cscript>"}}"#;
        assert_eq!(
            read(markup, amount).err().map(|fault| fault.code),
            Some("5")
        );
    }
}
