//! No file may tell where somebody's home or checkout is.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::repository::Repository;

/// Roots under which people keep homes. A name must follow for it to be somebody's.
const HOMES: [&str; 4] = ["/home/", "/Users/", r"C:\Users\", "C:/Users/"];

/// Folders that a guide may rightly name, so that a checkout there proves nothing.
const PUBLIC: [&str; 5] = ["/srv", "/opt", "/var", "/usr", "/tmp"];

/// Lines with such a path.
pub fn check(repository: &Repository) -> Result<Vec<String>> {
    let checkout = told_apart(&repository.root);
    let mut offences = Vec::new();
    for file in repository.files()? {
        // What is no text holds no lines to show; built files are not committed.
        let Ok(text) = fs::read_to_string(repository.path(&file)) else {
            continue;
        };
        for (index, line) in text.lines().enumerate() {
            if let Some(path) = offence(line, checkout.as_deref()) {
                offences.push(format!(
                    "{}:{}: absolute path {path}",
                    file.display(),
                    index + 1
                ));
            }
        }
    }
    Ok(offences)
}

/// The checkout's own path, if finding it in a file could not be chance.
fn told_apart(root: &Path) -> Option<String> {
    let public = PUBLIC.iter().any(|folder| root.starts_with(folder));
    let text = root.to_str()?;
    (!public && root.components().count() > 2).then(|| text.to_owned())
}

fn offence<'a>(line: &'a str, checkout: Option<&str>) -> Option<&'a str> {
    let superuser = concat!("/", "root/");
    let named = HOMES.iter().find_map(|home| begins(line, home, true));
    let named = named.or_else(|| begins(line, superuser, false));
    named.or_else(|| begins(line, checkout?, false))
}

/// Where a path with that beginning stands in the line: not in the middle of a longer word.
fn begins<'a>(line: &'a str, beginning: &str, name_follows: bool) -> Option<&'a str> {
    line.match_indices(beginning).find_map(|(start, _)| {
        let before = line[..start].chars().next_back();
        let rest = &line[start..];
        let after = rest[beginning.len()..].chars().next();
        let inside = before.is_some_and(|c| c.is_alphanumeric() || "._-}>".contains(c));
        let is_name = after.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let longer = after.is_some_and(|c| c.is_alphanumeric() || "_-".contains(c));
        let ends = beginning.ends_with(['/', '\\']) || !longer;
        if inside || (name_follows && !is_name) || !ends {
            return None;
        }
        rest.split([' ', '"', '\'', '`', ')', ',', '<']).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_found() {
        // Put together here, or this file would offend itself.
        for home in ["/home", "/Users", r"C:\Users", "C:/Users"] {
            let separator = if home.contains('\\') { '\\' } else { '/' };
            let path = format!("{home}{separator}aigul{separator}altyn");
            let line = format!("run it in \"{path}\" first");
            assert!(
                offence(&line, None).is_some_and(|found| path.ends_with(found)),
                "{line}"
            );
        }
        let line = format!("see file://{}home/aigul", '/');
        assert!(offence(&line, None).is_some());
        let line = format!("cd {}root/altyn", '/');
        assert!(offence(&line, None).is_some());
    }

    #[test]
    fn the_checkout_is_found() {
        let checkout = Some("/data/checkouts/altyn");
        assert!(offence("see /data/checkouts/altyn/docs", checkout).is_some());
        assert!(offence("see /data/checkouts/altyn", checkout).is_some());
        assert_eq!(offence("see /data/checkouts/altyn-demo", checkout), None);
    }

    #[test]
    fn addresses_and_words_are_no_paths() {
        for line in [
            "GET https://shop.example/home/index.html",
            "nav a[href='/home/']",
            "/home/ is where people live",
            "the folder ${HOME}/altyn",
            "/backoffice/v1/Users/me",
            "a /rooted/ tree",
        ] {
            assert_eq!(offence(line, Some("/data/checkouts/altyn")), None, "{line}");
        }
    }

    #[test]
    fn a_public_place_is_no_proof() {
        assert_eq!(told_apart(Path::new("/srv/altyn")), None);
        assert_eq!(told_apart(Path::new("/altyn")), None);
        assert_eq!(
            told_apart(Path::new("/data/altyn")).as_deref(),
            Some("/data/altyn")
        );
    }
}
