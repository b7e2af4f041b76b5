//! Serves a site on this machine alone, with the headers that a careful host would send.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime};
use std::{fs, thread};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::{dist, shell, site};

/// What a page may do. The page says the same of itself; here it holds for workers too.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
    connect-src 'self'; img-src 'self' data:; style-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'none'";

/// What `serve` was asked for.
pub(crate) struct Options {
    /// 0 takes any free port.
    pub(crate) port: u16,
    /// Open a browser.
    pub(crate) open: bool,
    /// Build again whenever a source changes.
    pub(crate) watch: bool,
    /// Serve the release site.
    pub(crate) dist: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 8000, open: false, watch: false, dist: false }
    }
}

/// Builds what is stale, then serves until it is stopped.
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
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(listen(options, folder))
}

async fn listen(options: &Options, folder: PathBuf) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.with_context(|| {
        format!("port {} is taken; choose another with --port, or any free one with --port 0", options.port)
    })?;
    let url = format!("http://{}/", listener.local_addr()?);
    println!("{url}");
    if options.open {
        open(&url);
    }
    axum::serve(listener, router(folder)).await?;
    Ok(())
}

fn router(folder: PathBuf) -> Router {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    Router::new()
        .fallback_service(ServeDir::new(folder).precompressed_br().precompressed_gzip())
        .layer(middleware::from_fn(build_first))
        .layer(fixed(header::CACHE_CONTROL, "no-cache"))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
}

/// What the page asks for when a file of another format than text comes, or a model leaves or comes, and is not built before.
async fn build_first(request: Request, next: Next) -> Response {
    let asked = |wasm: &site::Wasm| request.uri().path() == format!("/www/{}", wasm.glue());
    if let Some(wasm) = site::ALL.into_iter().find(asked) {
        let built = tokio::task::spawn_blocking(move || wasm.build()).await;
        if let Some(error) = built.map_err(Into::into).flatten().err() {
            println!("error: {error:#}");
            return (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response();
        }
    }
    next.run(request).await
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

/// Looks at the sources twice a second: no more than a few hundred files, and no watcher to go wrong.
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

/// How many sources there are and when the last was written: changes with every change, deletion included.
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
