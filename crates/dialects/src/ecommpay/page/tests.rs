//! Tests: links as two published clients made them.

use super::*;

/// Whether a query is signed with this key.
fn is_signed(query: &str, key: &str) -> bool {
    let message = SignedJson::of_parameters(pairs(query.as_bytes())).unwrap();
    assert!(!signature::has_forbidden_characters(&message));
    let given = signature::signature_of(&message).unwrap();
    signature::verify(&message, given, key, Source::PaymentPage)
}

#[test]
fn links_of_published_clients_are_signed() {
    let python = "project_id=402&interface_type=%7B%22id%22%3A+24%7D&payment_id=pid-1&\
                  payment_amount=1001&payment_currency=USD&customer_id=c1&\
                  payment_description=%D0%A7%D0%B0%D0%B9+%2B+2&signature=DdRajBNTqPW9deQ6QB2sezAk\
                  Sh%2FDJFzgCtHG9cKAExGRT4hqyn2pwfJqLrPzBDCYjWrCWhymhlObahZUY%2BQBEQ%3D%3D";
    let script = "project_id=112&interface_type=%7B%22id%22%3A22%7D&payment_amount=1000&\
                  payment_id=FFCD12-30&payment_currency=USD&recurring_register=true&\
                  frame_mode=iframe&signature=bYtGaOY8RZ%2FJYnrhahBVQux2f369BCaD8y05iaLccJiJriwO\
                  WbjPPKDd4k5L6qUNEkhCFY4r7kj1fF%2FR3DB6dg%3D%3D";
    assert!(is_signed(python, "secret"));
    assert!(is_signed(&python.replace('+', "%20"), "secret"));
    assert!(is_signed(script, "my_secret"));
    // What a widget adds is not signed, and what it carries comes back the same.
    let added = format!("{script}&_origin=https%3A%2F%2Fshop.example&_referrer=x");
    assert!(is_signed(&added, "my_secret"));
    let asked = Asked::of(pairs(python.as_bytes()).collect(), None);
    let visitor = Visitor::of(&HeaderMap::new(), None);
    assert!(is_signed(&asked.asking(&visitor).request, "secret"));
    for (from, to) in [
        ("1001", "1002"),
        ("USD", "EUR"),
        ("pid-1", "pid-2"),
        ("c1", "c2"),
    ] {
        assert!(!is_signed(&python.replace(from, to), "secret"), "{from}");
    }
}

#[test]
fn an_added_language_is_chosen_and_not_carried() {
    let query = "a=1&_lang=kk&language_code=en";
    let asked = Asked::of(pairs(query.as_bytes()).collect(), None);
    assert_eq!(asked.chosen, Some(Language::Kk));
    let visitor = Visitor::of(&HeaderMap::new(), None);
    let asking = asked.asking(&visitor);
    assert_eq!(asking.language, Language::Kk);
    assert_eq!(asking.request, "a=1&language_code=en");
}
