//! Members of JSON objects, found without reading the rest: cheap, and enough for answers whose shape is
//! known.

/// The text of a member.
pub fn text_of<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let value = value_of(json, name)?.strip_prefix('"')?;
    value.split_once('"').map(|(text, _)| text)
}

/// The whole number of a member, which some answers write as a text.
pub fn number_of(json: &str, name: &str) -> Option<u32> {
    let value = value_of(json, name)?.trim_start_matches('"');
    let end = value
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(value.len());
    value[..end].parse().ok()
}

fn value_of<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = json;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        if before.ends_with('"')
            && let Some(value) = after.strip_prefix("\":")
        {
            return Some(value.trim_start());
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_their_whole_name() {
        let json = r#"{"xorderId":"no","orderId":"yes","errorCode":"0","orderStatus": 2}"#;
        assert_eq!(text_of(json, "orderId"), Some("yes"));
        assert_eq!(number_of(json, "errorCode"), Some(0));
        assert_eq!(number_of(json, "orderStatus"), Some(2));
        assert_eq!(number_of(json, "orderId"), None);
        assert_eq!(text_of(json, "absent"), None);
    }
}
