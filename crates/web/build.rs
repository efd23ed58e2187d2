//! Takes the built page programs in: address with the digest of the content, `integrity`, compressed forms.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha384};

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// Constant, folder of `apps/`, file of its build, content type.
const FILES: [(&str, &str, &str, &str); 4] = [
    ("STYLE", "checkout", "checkout.css", CSS),
    ("SCRIPT", "checkout", "checkout.js", JS),
    ("WIDGET_STYLE", "widget", "merchant.css", CSS),
    ("WIDGET_SCRIPT", "widget", "merchant.js", JS),
];

fn main() {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    println!("cargo::rerun-if-changed=build.rs");
    let mut code = String::new();
    for (name, app, file, content_type) in FILES {
        let dist = manifest.join("../../apps").join(app).join("dist");
        println!("cargo::rerun-if-changed={}", dist.display());
        match asset(&dist, name, file, content_type) {
            Ok(text) => code.push_str(&text),
            Err(_) => {
                println!(
                    "cargo::error=apps/{app}/dist/{file} is missing: run `cargo xtask assets` first"
                );
                return;
            }
        }
    }
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("assets.rs"), code).expect("OUT_DIR can be written");
}

fn asset(dist: &Path, name: &str, file: &str, content_type: &str) -> std::io::Result<String> {
    let plain = dist.join(file).canonicalize()?;
    let bytes = fs::read(&plain)?;
    let gzip = dist.join(format!("{file}.gz")).canonicalize()?;
    let brotli = dist.join(format!("{file}.br")).canonicalize()?;
    let digest = Sha384::digest(&bytes);
    let short = digest[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let (stem, extension) = file.split_once('.').unwrap_or((file, ""));
    let integrity = format!("sha384-{}", STANDARD.encode(digest));
    Ok(format!(
        "pub(crate) static {name}: Asset = Asset {{\n    \
             path: \"/checkout/assets/{stem}-{short}.{extension}\",\n    \
             integrity: {integrity:?},\n    \
             content_type: {content_type:?},\n    \
             plain: include_bytes!({plain:?}),\n    \
             gzip: include_bytes!({gzip:?}),\n    \
             brotli: include_bytes!({brotli:?}),\n\
         }};\n"
    ))
}
