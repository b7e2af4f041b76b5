//! Builds, serves, checks and tests Downhill: `cargo xtask <command>`.
//!
//! In reading order: [`shell`] runs other programs and shows their progress, [`site`] builds the page for development,
//! [`offline`] fills in the service worker, [`serve`] shows a site, [`dist`] makes the one to publish, [`package`] the
//! npm package; [`install`], [`check`] and [`mod@test`] are what CI runs; [`mod@interop`] gives what is written to other
//! tools; [`mod@bench`] measures.

mod against;
mod bench;
mod check;
mod dist;
mod install;
mod interop;
mod offline;
mod package;
mod serve;
mod shell;
mod site;
mod test;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;

const HELP: &str = "\
Usage: cargo xtask <command>

  serve   build what is stale and serve the page on 127.0.0.1
            --port N   8000 unless told; 0 takes any free port
            --open     open a browser
            --watch    build again whenever a source changes
            --dist     serve the release site instead
  build   build the page into target/site/
  dist    build the release site into dist/: any static host, any sub-path
  pkg     build the npm package into pkg/
  check   formatting, clippy (native and wasm32), documentation, types of the JavaScript
  test    everything CI runs, installing what is missing; a stage alone by its name:
            check, native, interop, site, pkg, browser
            --filter S only browser tests whose file name holds S
  interop what Keras, PyTorch, Spark and the rest make of the files that Downhill writes: local
            Pythons below target/ (about 4 GB to fetch, most of it PyTorch's), and a table;
            a script of tests/interop/ alone by its name. Spark needs Java 17 or newer
  bench   Downhill beside its peers, in Chromium and Python; writes docs/performance.md
            --only W1,W3  part of it, printed and not written; also W1k, W2, W4, W5, W6,
                          statistics, webgpu, series, page
            --against REV the engine and page of that commit instead of peers: ratios, and
                          a failure where this one is more than 3% slower
            page          how fast the published page loads and answers
            read [MB]     reading a table of that size (100 unless told) beside pandas and polars
            predict [N]   predicting N rows (1000000 unless told) beside NumPy and pandas
            native        cargo bench instead: the engines without a browser
  fuzz    what reads files and links, given mutated ones; a target alone by its name
            --seconds N   for each target, 60 unless told
            --seed S      which inputs, 0 unless told; --help has more";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the fuzzer, which is a separate crate because it depends on everything it tests, and needs
/// a profile in which panics can be caught.
fn fuzz(arguments: Vec<OsString>) -> Result<ExitCode> {
    let mut cargo = shell::cargo();
    cargo.args(["run", "--quiet", "--profile", "fuzz", "--package", "downhill-fuzz", "--"]).args(arguments);
    Ok(if cargo.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run() -> Result<ExitCode> {
    let mut parser = lexopt::Parser::from_env();
    let Some(first) = parser.next()? else {
        println!("{HELP}");
        return Ok(ExitCode::FAILURE);
    };
    let command = match first {
        Value(value) => value.string()?,
        Short('h') | Long("help") => {
            println!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        other => return Err(other.unexpected().into()),
    };
    if command == "fuzz" {
        return fuzz(parser.raw_args()?.collect());
    }
    let mut words = Vec::new();
    let mut serve = serve::Options::default();
    let mut filter = None;
    let mut only = None;
    let mut against = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") if command == "serve" => serve.port = parser.value()?.parse()?,
            Long("open") if command == "serve" => serve.open = true,
            Long("watch") if command == "serve" => serve.watch = true,
            Long("dist") if command == "serve" => serve.dist = true,
            Long("filter") if command == "test" => filter = Some(parser.value()?.string()?),
            Long("only") if command == "bench" => only = Some(parser.value()?.string()?),
            Long("against") if command == "bench" => against = Some(parser.value()?.string()?),
            Short('h') | Long("help") => {
                println!("{HELP}");
                return Ok(ExitCode::SUCCESS);
            }
            Value(value) if ["test", "bench", "interop"].contains(&command.as_str()) => {
                words.push(value.string()?)
            }
            other => return Err(other.unexpected().into()),
        }
    }
    match command.as_str() {
        "serve" => serve::serve(&serve)?,
        "build" => site::build()?,
        "dist" => dist::dist()?,
        "pkg" => package::package()?,
        "check" => check::check()?,
        "test" => return test::test(words.first().map(String::as_str), filter.as_deref()),
        "interop" => return interop::interop(&words),
        "bench" => match against {
            Some(revision) => against::against(&revision, only.as_deref())?,
            None => bench::bench(&words, only.as_deref())?,
        },
        "help" => println!("{HELP}"),
        other => bail!("there is no command \"{other}\"\n\n{HELP}"),
    }
    Ok(ExitCode::SUCCESS)
}
