//! The page's script and style.

/// A file that pages name.
pub(crate) struct Asset {
    /// The path after the base path.
    pub path: &'static str,
    /// Its digest, as a page's `integrity` names it.
    pub integrity: &'static str,
}

pub(crate) static STYLE: Asset = Asset {
    path: "",
    integrity: "",
};
pub(crate) static SCRIPT: Asset = Asset {
    path: "",
    integrity: "",
};
