//! Scripts and styles, as the build made them. The address of those of our pages holds the digest of the
//! content, so a browser may keep them for ever; another content has another address. The widget that
//! shops load has a lasting address, so a browser asks again before long.

use axum::body::Body;
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
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    ];
    describe(&mut response, asset, encoding, &fixed);
    response
}

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// GET `/shared/{name}`: what shops put into their own pages.
pub(crate) async fn shared(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let asset: &Asset = match name.as_str() {
        "merchant.js" => &WIDGET_SCRIPT,
        "merchant.css" => &WIDGET_STYLE,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let (encoding, bytes) = choose(asset, &headers);
    let tag = format!("\"{}\"", asset.integrity);
    let known = headers.get(header::IF_NONE_MATCH);
    let is_known =
        known.is_some_and(|known| known.to_str().is_ok_and(|known| known.contains(&tag)));
    let mut response = if is_known {
        (StatusCode::NOT_MODIFIED, Body::empty()).into_response()
    } else {
        bytes.into_response()
    };
    let fixed = [
        (header::CACHE_CONTROL, "public, max-age=300"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"),
        // So that a shop may pin the content by its digest.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    describe(&mut response, asset, encoding, &fixed);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn describe(
    response: &mut Response,
    asset: &'static Asset,
    encoding: Option<&'static str>,
    more: &[(HeaderName, &'static str)],
) {
    let usual = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::VARY, "accept-encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let encoding = encoding.map(|encoding| (header::CONTENT_ENCODING, encoding));
    let all = usual
        .into_iter()
        .chain(more.iter().cloned())
        .chain(encoding);
    for (name, value) in all {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
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
