//! Long functions and files: those there are may shrink, none may grow, none may be added.
//!
//! `xtask/ratchet.toml` lists what is longer than allowed, with its length. A function is named by
//! its file and the modules, types and functions around it; its length is counted from the line of
//! `fn` to its closing brace.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::repository::Repository;

const LIST: &str = "xtask/ratchet.toml";
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 700;

/// Lengths in lines, by name.
type Lengths = BTreeMap<String, usize>;

/// What is longer than allowed: present in the tree, or written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    #[serde(default)]
    files: Lengths,
    #[serde(default)]
    functions: Lengths,
}

/// What is longer than allowed and not written down, or longer than was written down.
pub fn check(repository: &Repository) -> Result<Vec<String>> {
    let (present, listed) = (present(repository)?, listed(repository)?);
    let mut offences = grown(&present.files, &listed.files, FILE_LINES_MAX);
    offences.extend(grown(
        &present.functions,
        &listed.functions,
        FUNCTION_LINES_MAX,
    ));
    Ok(offences)
}

/// Writes smaller lengths down and drops what is gone; with `force` also takes what is new.
pub fn bless(repository: &Repository, force: bool) -> Result<()> {
    let (present, listed) = (present(repository)?, listed(repository)?);
    let kept = Long {
        files: blessed(&present.files, &listed.files, force),
        functions: blessed(&present.functions, &listed.functions, force),
    };
    let head = "# Functions and files that are longer than allowed, in lines. They may only shrink.\n\
                # `cargo xtask tidy --bless` writes smaller numbers.\n\n";
    let text = format!("{head}{}", toml::to_string(&kept)?);
    fs::write(repository.path(LIST), text).with_context(|| format!("cannot write {LIST}"))
}

fn listed(repository: &Repository) -> Result<Long> {
    let file = repository.path(LIST);
    if !file.exists() {
        return Ok(Long::default());
    }
    let text = fs::read_to_string(file)?;
    toml::from_str(&text).with_context(|| format!("cannot understand {LIST}"))
}

fn present(repository: &Repository) -> Result<Long> {
    let mut long = Long::default();
    for file in repository.files()? {
        if file.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(repository.path(&file))?;
            let name = file.display().to_string();
            measure(&name, &text, &mut long).with_context(|| format!("cannot parse {name}"))?;
        }
    }
    Ok(long)
}

fn measure(file: &str, text: &str, long: &mut Long) -> Result<()> {
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        long.files.insert(file.to_owned(), lines);
    }
    let mut functions = Functions {
        path: vec![file.to_owned()],
        found: Vec::new(),
    };
    functions.visit_file(&syn::parse_file(text)?);
    for (name, lines) in functions.found {
        if lines > FUNCTION_LINES_MAX {
            // Two of one name (behind opposite `cfg`s): the longer counts.
            let entry = long.functions.entry(name).or_default();
            *entry = lines.max(*entry);
        }
    }
    Ok(())
}

/// Walks a file and measures each function with a body.
struct Functions {
    path: Vec<String>,
    found: Vec<(String, usize)>,
}

impl Functions {
    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = signature.span().start().line;
        let last = body.span().end().line;
        self.path.push(signature.ident.to_string());
        self.found.push((self.path.join("::"), last + 1 - first));
    }

    fn inside(&mut self, name: String, walk: impl FnOnce(&mut Self)) {
        self.path.push(name);
        walk(self);
        self.path.pop();
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.inside(item.ident.to_string(), |inner| {
            visit::visit_item_mod(inner, item)
        });
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.inside(item.ident.to_string(), |inner| {
            visit::visit_item_trait(inner, item)
        });
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let of_trait = item
            .trait_
            .as_ref()
            .and_then(|(_, path, _)| path.segments.last());
        let mut name = of_trait
            .map(|segment| format!("{} for ", segment.ident))
            .unwrap_or_default();
        match &*item.self_ty {
            syn::Type::Path(path) => {
                name += &path
                    .path
                    .segments
                    .last()
                    .map(|s| s.ident.to_string())
                    .unwrap_or_default();
            }
            _ => name.push('_'),
        }
        self.inside(name, |inner| visit::visit_item_impl(inner, item));
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
        self.path.pop();
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
        self.path.pop();
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
            visit::visit_trait_item_fn(self, item);
            self.path.pop();
        }
    }
}

fn grown(present: &Lengths, listed: &Lengths, limit: usize) -> Vec<String> {
    let mut offences = Vec::new();
    for (name, lines) in present {
        match listed.get(name) {
            None => offences.push(format!("{name}: {lines} lines; {limit} are allowed")),
            Some(known) if lines > known => {
                offences.push(format!("{name}: grew from {known} to {lines} lines"));
            }
            Some(_) => {}
        }
    }
    offences
}

fn blessed(present: &Lengths, listed: &Lengths, force: bool) -> Lengths {
    let mut kept = Lengths::new();
    for (name, lines) in present {
        match listed.get(name) {
            Some(known) if !force => kept.insert(name.clone(), *known.min(lines)),
            None if !force => None,
            Some(_) | None => kept.insert(name.clone(), *lines),
        };
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(entries: &[(&str, usize)]) -> Lengths {
        entries
            .iter()
            .map(|(name, lines)| ((*name).to_owned(), *lines))
            .collect()
    }

    fn function(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

    #[test]
    fn a_long_function_is_found_wherever_it_stands() {
        let long = function(FUNCTION_LINES_MAX + 1);
        let text = format!(
            "/// Words.\n#[inline]\n{long}mod inner {{ struct S; impl S {{ {long} }} \
             impl Clone for S {{ {long} }} trait T {{ {long} fn none(); }} }}\n\
             fn outer() {{ {long} }}"
        );
        let mut found = Long::default();
        measure("a.rs", &text, &mut found).unwrap();
        let names: Vec<&str> = found.functions.keys().map(String::as_str).collect();
        let expected = [
            "a.rs::inner::Clone for S::long",
            "a.rs::inner::S::long",
            "a.rs::inner::T::long",
            "a.rs::long",
            "a.rs::outer",
            "a.rs::outer::long",
        ];
        assert_eq!(names, expected);
        // Attributes and comments above `fn` do not count.
        assert_eq!(found.functions["a.rs::long"], FUNCTION_LINES_MAX + 1);
        assert_eq!(
            grown(&found.functions, &Lengths::new(), FUNCTION_LINES_MAX).len(),
            6
        );
    }

    #[test]
    fn the_limits_themselves_are_allowed() {
        let mut found = Long::default();
        measure("a.rs", &function(FUNCTION_LINES_MAX), &mut found).unwrap();
        measure("b.rs", &"// words\n".repeat(FILE_LINES_MAX), &mut found).unwrap();
        assert_eq!(found, Long::default());
        measure("b.rs", &"// words\n".repeat(FILE_LINES_MAX + 1), &mut found).unwrap();
        assert_eq!(found.files, lengths(&[("b.rs", FILE_LINES_MAX + 1)]));
    }

    #[test]
    fn growing_is_found_and_shrinking_is_not() {
        let listed = lengths(&[("grew", 80), ("shrank", 80), ("same", 80), ("gone", 80)]);
        let present = lengths(&[("grew", 81), ("shrank", 79), ("same", 80)]);
        assert_eq!(
            grown(&present, &listed, 70),
            ["grew: grew from 80 to 81 lines"]
        );
    }

    #[test]
    fn the_list_only_moves_down_unless_forced() {
        let listed = lengths(&[("grew", 80), ("shrank", 80), ("gone", 80)]);
        let present = lengths(&[("grew", 81), ("shrank", 79), ("new", 90)]);
        assert_eq!(
            blessed(&present, &listed, false),
            lengths(&[("grew", 80), ("shrank", 79)])
        );
        assert_eq!(blessed(&present, &listed, true), present);
    }

    #[test]
    fn the_list_reads_as_it_was_written() {
        let functions = lengths(&[("crates/a.rs::Clone for S::long", 80)]);
        let long = Long {
            files: Lengths::new(),
            functions,
        };
        let read: Long = toml::from_str(&toml::to_string(&long).unwrap()).unwrap();
        assert_eq!(read, long);
    }
}
