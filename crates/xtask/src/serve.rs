//! Serves a site on localhost only, with the headers that a careful host would send.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Result, anyhow};
use tiny_http::{Header, Request, Response, Server, StatusCode};

use crate::{dist, shell, site};

/// The content security policy. The page declares the same policy; the header also applies it to
/// workers.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
    connect-src 'self'; img-src 'self' data:; style-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'none'";

/// The headers of every response.
const HEADERS: &[(&str, &str)] = &[
    ("Cache-Control", "no-cache"),
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
];

/// The content types by file name extension.
const TYPES: &[(&str, &str)] = &[
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("svg", "image/svg+xml"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
];

/// The number of requests that are answered at once. The first request for a wasm waits until it is
/// built.
const N_THREADS: usize = 4;

/// The options of `serve`.
pub(crate) struct Options {
    /// The port; 0 takes any free port.
    pub(crate) port: u16,
    /// Whether to open a browser.
    pub(crate) open: bool,
    /// Whether to rebuild when a source changes.
    pub(crate) watch: bool,
    /// Whether to serve the release site.
    pub(crate) dist: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 8000, open: false, watch: false, dist: false }
    }
}

/// Builds what is stale, then serves until stopped.
pub(crate) fn serve(options: &Options) -> Result<()> {
    let folder = if options.dist {
        dist::dist()?;
        dist::folder()
    } else {
        site::build()?;
        site::folder()
    };
    if options.watch {
        let make = if options.dist { dist::dist } else { site::build };
        thread::spawn(move || watch(make));
    }
    let server = Server::http((Ipv4Addr::LOCALHOST, options.port)).map_err(|error| {
        let port = options.port;
        anyhow!(
            "port {port} cannot be used ({error}); choose another with --port, or any free one with --port 0"
        )
    })?;
    let url = format!("http://{}/", server.server_addr());
    println!("{url}");
    if options.open {
        open(&url);
    }
    thread::scope(|scope| {
        for _ in 0..N_THREADS {
            scope.spawn(|| {
                for request in server.incoming_requests() {
                    // A browser that has closed the connection is not an error of the server.
                    let _ = answer(request, &folder);
                }
            });
        }
    });
    Ok(())
}

fn answer(request: Request, folder: &Path) -> std::io::Result<()> {
    let path = request.url().split(['?', '#']).next().unwrap_or_default().trim_start_matches('/').to_owned();
    let name = if path.is_empty() { "index.html" } else { &path };
    let refuse = |request: Request, status: u16, text: String| {
        request.respond(Response::from_string(text).with_status_code(StatusCode(status)))
    };
    if let Err(error) = build_first(name) {
        println!("error: {error:#}");
        return refuse(request, 500, format!("{error:#}"));
    }
    let file = folder.join(name);
    if name.split('/').any(|part| part.is_empty() || part.starts_with('.')) || !file.is_file() {
        return refuse(request, 404, "not found".to_owned());
    }
    let is_accepted = |encoding: &str| {
        let accepts = request.headers().iter().filter(|header| header.field.equiv("Accept-Encoding"));
        accepts.into_iter().any(|header| header.value.as_str().contains(encoding))
    };
    let compressed = [("br", "br"), ("gzip", "gz")].into_iter().find_map(|(encoding, end)| {
        let path = folder.join(format!("{name}.{end}"));
        (is_accepted(encoding) && path.is_file()).then_some((encoding, path))
    });
    let (encoding, path) = compressed.unzip();
    let mut response = Response::from_file(File::open(path.unwrap_or(file))?);
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let kind = TYPES.iter().find(|(known, _)| *known == end).map(|(_, kind)| ("Content-Type", *kind));
    let encoding = encoding.map(|encoding| ("Content-Encoding", encoding));
    let fields = HEADERS.iter().copied().chain(kind).chain(encoding);
    for header in fields.filter_map(|(field, value)| Header::from_bytes(field, value).ok()) {
        response.add_header(header);
    }
    request.respond(response)
}

/// Builds a wasm that a first visit does not need, on the first request for it.
fn build_first(name: &str) -> Result<()> {
    let asked = |wasm: &site::Wasm| name == format!("www/{}", wasm.glue());
    site::ALL.into_iter().find(asked).map_or(Ok(()), site::Wasm::build)
}

fn open(url: &str) {
    let (name, arguments) = if cfg!(target_os = "macos") {
        ("open", vec![url])
    } else if cfg!(windows) {
        ("cmd", vec!["/C", "start", url])
    } else {
        ("xdg-open", vec![url])
    };
    let started = shell::program(name)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if started.is_err() {
        println!("no browser could be opened; go to {url}");
    }
}

/// Polls the sources twice a second: there are only a few hundred files, and a file watcher could
/// fail.
fn watch(make: fn() -> Result<()>) {
    let mut seen = newest();
    loop {
        thread::sleep(Duration::from_millis(500));
        let now = newest();
        if now == seen {
            continue;
        }
        seen = now;
        match make() {
            Ok(()) => println!("built again; reload the page"),
            Err(error) => println!("error: {error:#}"),
        }
    }
}

/// The number of sources and the latest modification time, which together change with every change,
/// including deletion.
fn newest() -> (usize, Option<SystemTime>) {
    let root = shell::root();
    let mut paths = vec![root.join("index.html"), root.join("Cargo.toml")];
    for folder in ["src", "shaders", "www"] {
        let folder = root.join(folder);
        if let Ok(names) = shell::files_below(&folder) {
            paths.extend(names.iter().map(|name| folder.join(name)));
        }
    }
    let dates: Vec<_> = paths.iter().filter_map(|path| fs::metadata(path).ok()?.modified().ok()).collect();
    (dates.len(), dates.into_iter().max())
}
