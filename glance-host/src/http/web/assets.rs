//! The files that pages load, and the templates of pages.
//!
//! Pages load files below `/assets/{version}/`, where the version is a hash of all of them, so a browser keeps them as
//! long as the host has this version. Scripts import each other by relative paths, which keep the version. Below
//! `/assets/` alone the same files are for addresses that must not change, such as the default icon of an add-on.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use include_dir::{Dir, File, include_dir};

static FOLDER: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/assets");

static ASSETS: LazyLock<Assets> = LazyLock::new(Assets::load);

/// The length of a version in hexadecimal digits.
const VERSION_DIGITS: usize = 16;

struct Assets {
    version: String,
    files: Vec<Asset>,
    /// The elements that load each script, by its name.
    scripts: HashMap<&'static str, String>,
}

struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static [u8],
    gzip: Bytes,
}

impl Assets {
    fn load() -> Self {
        let mut files: Vec<_> = files(&FOLDER).filter_map(Asset::load).collect();
        files.sort_by_key(|asset| asset.name);
        let mut hash = digest::Context::new(&digest::SHA256);
        for Asset { name, content, .. } in &files {
            for part in [name.as_bytes(), content] {
                hash.update(&(part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        let hash = hash.finish();
        let mut version: String = hash.as_ref().iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        version.truncate(VERSION_DIGITS);
        let names = files.iter().map(|asset| asset.name);
        let scripts = names
            .filter(|name| name.ends_with(".js"))
            .map(|name| (name, elements(&version, name)))
            .collect();
        Self {
            version,
            files,
            scripts,
        }
    }

    fn find(&self, name: &str) -> Option<&Asset> {
        let found = self.files.binary_search_by_key(&name, |asset| asset.name);
        self.files.get(found.ok()?)
    }
}

impl Asset {
    fn load(file: &'static File<'static>) -> Option<Self> {
        let name = file.path().to_str()?;
        let content_type = match name.rsplit_once('.')?.1 {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => return None,
        };
        let content = file.contents();
        Some(Self {
            name,
            content_type,
            content,
            gzip: compress(content).ok()?.into(),
        })
    }
}

fn compress(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

/// Returns the files of a folder and its subfolders.
fn files(folder: &'static Dir<'static>) -> Box<dyn Iterator<Item = &'static File<'static>>> {
    Box::new(folder.files().chain(folder.dirs().flat_map(files)))
}

/// Returns the names and texts of the templates.
pub(super) fn templates() -> impl Iterator<Item = (&'static str, &'static str)> {
    files(&FOLDER).filter_map(|file| {
        let name = file.path().to_str()?;
        name.ends_with(".html")
            .then(|| Some((name, file.contents_utf8()?)))?
    })
}

/// Returns the address of a file that pages load.
pub(super) fn url(name: &str) -> String {
    versioned(&ASSETS.version, name)
}

fn versioned(version: &str, name: &str) -> String {
    format!("/assets/{version}/{name}")
}

/// Returns the elements that load a script; none if there is no such script.
pub(super) fn script(name: &str) -> String {
    ASSETS.scripts.get(name).cloned().unwrap_or_default()
}

/// Returns the elements that load a script, and at the same time all scripts that it imports: otherwise the browser
/// learns of those one after the other.
fn elements(version: &str, name: &str) -> String {
    let imported = imported(name).into_iter().map(|module| {
        let url = versioned(version, &module);
        format!(r#"<link rel="modulepreload" href="{url}">"#)
    });
    let url = versioned(version, name);
    let own = format!(r#"<script type="module" src="{url}"></script>"#);
    imported.chain([own]).collect()
}

/// Returns the scripts that a script imports, directly or not.
fn imported(name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut unread = vec![name.to_owned()];
    while let Some(module) = unread.pop() {
        let text = FOLDER.get_file(&module).and_then(File::contents_utf8);
        for path in text.into_iter().flat_map(imports) {
            let path = resolve(&module, path);
            if found.insert(path.clone()) {
                unread.push(path);
            }
        }
    }
    found
}

/// Returns the relative paths in the import statements of a script, each of which ends on its own line.
fn imports(script: &str) -> impl Iterator<Item = &str> {
    script.lines().filter_map(|line| {
        let line = line.strip_suffix("\";")?;
        let (before, path) = line.rsplit_once('"')?;
        let is_import = before == "import " || before.ends_with(" from ");
        (is_import && path.starts_with('.')).then_some(path)
    })
}

/// Resolves a path relative to a script.
fn resolve(from: &str, path: &str) -> String {
    let mut folders: Vec<_> = from.split('/').collect();
    folders.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(folders.pop()),
            part => folders.push(part),
        }
    }
    folders.join("/")
}

/// Serves a file.
pub(super) async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let (version, name) = match path.split_once('/') {
        Some((version, name)) if is_version(version) => (Some(version), name),
        _ => (None, &*path),
    };
    let Some(asset) = ASSETS.find(name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // A page of another version gets these files too: during an update, nodes have different versions.
    let cache = match version == Some(&ASSETS.version) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let headers_of_all = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, cache),
        (header::VARY, "accept-encoding"),
    ];
    match accepts_gzip(&headers) {
        true => {
            let encoding = [(header::CONTENT_ENCODING, "gzip")];
            (headers_of_all, encoding, asset.gzip.clone()).into_response()
        }
        false => (headers_of_all, asset.content).into_response(),
    }
}

fn is_version(folder: &str) -> bool {
    folder.len() == VERSION_DIGITS && folder.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let quality = quality.trim().strip_prefix("q=").unwrap_or("1");
        name.trim() == "gzip" && quality.parse::<f32>().is_ok_and(|quality| quality > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::http::HeaderValue;
    use flate2::read::GzDecoder;

    use super::*;

    async fn get(path: &str, accepted: Option<&'static str>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut headers = HeaderMap::new();
        if let Some(accepted) = accepted {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
        }
        let response = serve(Path(path.to_owned()), headers).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, body.to_vec())
    }

    #[tokio::test]
    async fn files_are_kept_only_below_the_current_version() {
        let current = url("room.js");
        let current = current.strip_prefix("/assets/").unwrap();
        for (path, cache) in [
            (current, "public, max-age=31536000, immutable"),
            ("0123456789abcdef/room.js", "no-cache"),
            ("room.js", "no-cache"),
        ] {
            let (status, headers, body) = get(path, None).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert_eq!(headers[header::CACHE_CONTROL], cache, "{path}");
            assert_eq!(
                headers[header::CONTENT_TYPE],
                "text/javascript; charset=utf-8"
            );
            assert_eq!(body, FOLDER.get_file("room.js").unwrap().contents());
        }
        for path in [
            "",
            "none.js",
            "room.html",
            "../Cargo.toml",
            "0123456789abcdef/",
            "0123/room.js",
        ] {
            assert_eq!(get(path, None).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn files_are_compressed_for_browsers_that_read_it() {
        for accepted in ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8"] {
            let (_, headers, body) = get("host.css", Some(accepted)).await;
            assert_eq!(headers[header::CONTENT_ENCODING], "gzip", "{accepted}");
            assert_eq!(headers[header::VARY], "accept-encoding");
            let mut text = Vec::new();
            GzDecoder::new(&*body).read_to_end(&mut text).unwrap();
            assert_eq!(text, FOLDER.get_file("host.css").unwrap().contents());
        }
        for accepted in [None, Some("br"), Some("gzip;q=0"), Some("identity")] {
            let (_, headers, _) = get("host.css", accepted).await;
            assert!(
                !headers.contains_key(header::CONTENT_ENCODING),
                "{accepted:?}"
            );
        }
    }

    #[test]
    fn every_imported_script_exists_and_is_requested_at_once() {
        let scripts = ASSETS
            .files
            .iter()
            .filter(|asset| asset.name.ends_with(".js"));
        for script in scripts {
            for module in imported(script.name) {
                assert!(
                    ASSETS.find(&module).is_some(),
                    "{} imports {module}",
                    script.name
                );
            }
        }
        let page = script("room.js");
        for module in ["room/stream.js", "room/dom.js", "frames.js"] {
            let link = format!(r#"<link rel="modulepreload" href="{}">"#, url(module));
            assert!(page.contains(&link), "{module}: {page}");
        }
    }

    #[test]
    fn imports_are_read_in_each_of_their_forms() {
        let script = "import { a } from \"./a.js\";\nimport \"../b.js\";\nimport {\n  c,\n} from \"./c/d.js\";\n\
                      const text = \"./e.js\";\nexport { f } from \"./f.js\";\n";
        let read: Vec<_> = imports(script).collect();
        assert_eq!(read, ["./a.js", "../b.js", "./c/d.js", "./f.js"]);
        assert_eq!(resolve("room/x.js", "./a.js"), "room/a.js");
        assert_eq!(resolve("room/x.js", "../b.js"), "b.js");
        assert_eq!(resolve("room.js", "./c/d.js"), "c/d.js");
    }
}
