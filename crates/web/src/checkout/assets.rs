//! The page's script and style, as the build made them. An address holds the digest of the content, so a
//! browser may keep it for ever; another content has another address.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file that pages name.
pub(crate) struct Asset {
    /// The path after the base path.
    pub path: &'static str,
    /// Its digest, as a page's `integrity` names it.
    pub integrity: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// GET `/checkout/assets/{name}`.
pub(crate) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let named = |asset: &&&Asset| asset.path.rsplit('/').next() == Some(name.as_str());
    let Some(asset) = [&STYLE, &SCRIPT].iter().find(named).copied() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (encoding, bytes) = choose(asset, &headers);
    let mut response = bytes.into_response();
    let fixed = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    if let Some(encoding) = encoding {
        let value = HeaderValue::from_static(encoding);
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, value);
    }
    response
}

/// The smallest form that the browser takes.
fn choose(asset: &'static Asset, headers: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    let accepted = headers.get(header::ACCEPT_ENCODING);
    let accepted = accepted
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let takes = |encoding: &str| {
        accepted.split(',').any(|part| {
            let (name, weight) = part.split_once(';').unwrap_or((part, ""));
            let is_refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
            name.trim().eq_ignore_ascii_case(encoding) && !is_refused
        })
    };
    if takes("br") {
        (Some("br"), asset.brotli)
    } else if takes("gzip") {
        (Some("gzip"), asset.gzip)
    } else {
        (None, asset.plain)
    }
}

#[cfg(test)]
impl Asset {
    pub(crate) fn gzip_len(&self) -> usize {
        self.gzip.len()
    }
}

/// Writes the assets to where pages in `folder` look for them.
#[cfg(test)]
pub(crate) fn write_to(folder: &std::path::Path) {
    for asset in [&STYLE, &SCRIPT] {
        let file = folder.join(asset.path.trim_start_matches('/'));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, asset.plain).unwrap();
    }
}
