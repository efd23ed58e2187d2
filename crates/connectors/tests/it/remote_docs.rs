#[test]
fn print() {
    use crate::remote::*;
    let mut b = Bench::new();
    for (n,k) in [(SALE,begin()),(SALE,ASK),(CAPTURE,begin()),(VOID,begin()),(REFUND,begin()),(REFUND,ASK)] {
        println!("{}", serde_json::to_string_pretty(&b.body(n,&k)).unwrap());
        b.operation(SALE).facts.connector_reference = Some("gw_8841".to_owned());
    }
}
