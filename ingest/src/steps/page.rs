//! Step 8: of the page only its host is kept, and its path where one of the site's `page_templates` matches, as the
//! template says it. The query and the fragment, where names and mail addresses end up, are kept nowhere.

use avow_schemas::fate::Rejection;
use url::Url;

use crate::decode::{Fields, Name};

/// What is kept of a page's address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    pub host: Option<String>,
    pub path: Option<String>,
}

/// Longer addresses than this are no addresses of pages.
const MOST_CHARS: usize = 8_192;

/// Reduces the event's page.
///
/// # Errors
/// `invalid_value` for what is no absolute URL. One of another scheme than http and https (an app, a file) has no host
/// that means anything and is left out.
pub fn reduced(fields: &Fields<'_>, templates: &[String]) -> Result<Page, Rejection> {
    let field = fields.field(Name::Page);
    let Some(text) = field.text(MOST_CHARS)? else { return Ok(Page::default()) };
    let url = Url::parse(text).map_err(|_| field.refuse("must be an absolute URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Ok(Page::default());
    }
    Ok(Page { host: url.host_str().map(str::to_owned), path: template(templates, url.path()).map(str::to_owned) })
}

/// The first template that a path matches: segment by segment, `*` for any one; a slash at the end makes no difference.
fn template<'t>(templates: &'t [String], path: &str) -> Option<&'t str> {
    let bare = |path: &'_ str| path.len() - usize::from(path.len() > 1 && path.ends_with('/'));
    let path = &path[..bare(path)];
    let matches = |template: &str| {
        let (mut wanted, mut given) = (template[..bare(template)].split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some("*"), Some(segment)) if !segment.is_empty() => {}
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return false,
            }
        }
    };
    templates.iter().map(String::as_str).find(|template| matches(template))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(url: &str) -> Page {
        let text = serde_json::json!({ "page": url }).to_string();
        let templates = ["/", "/checkout", "/product/*", "/*/legal"].map(String::from);
        reduced(&Fields::read(&text).unwrap(), &templates).unwrap()
    }

    #[test]
    fn the_host_is_kept_and_a_path_only_by_template() {
        for (url, host, path) in [
            ("https://shop.example/checkout", "shop.example", Some("/checkout")),
            ("https://shop.example/checkout/", "shop.example", Some("/checkout")),
            ("https://Shop.Example:8443/checkout?mail=a@b.c#x", "shop.example", Some("/checkout")),
            ("https://user:secret@shop.example/", "shop.example", Some("/")),
            ("https://shop.example", "shop.example", Some("/")),
            ("https://shop.example/product/jane-doe", "shop.example", Some("/product/*")),
            ("https://shop.example/product/", "shop.example", None),
            ("https://shop.example/product/a/b", "shop.example", None),
            ("https://shop.example/de/legal", "shop.example", Some("/*/legal")),
            ("https://shop.example/account/jane", "shop.example", None),
            ("https://shop.example/x/../checkout", "shop.example", Some("/checkout")),
            ("https://bücher.example/", "xn--bcher-kva.example", Some("/")),
        ] {
            assert_eq!(page(url), Page { host: Some(host.into()), path: path.map(Into::into) }, "{url}");
        }
        for url in ["file:///home/jane/page.html", "about:blank", "android-app://shop.example"] {
            assert_eq!(page(url), Page::default(), "{url}");
        }
    }
}
