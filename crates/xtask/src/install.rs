//! Installs what the commands need besides cargo, where that is possible.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{offline, shell};

/// Makes sure that the standard library for wasm32 is installed.
pub(crate) fn wasm_target() -> Result<()> {
    let sysroot =
        shell::program("rustc").args(["--print", "sysroot"]).output().context("rustc cannot be started")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim());
    if sysroot.join("lib/rustlib/wasm32-unknown-unknown/lib").is_dir() {
        return Ok(());
    }
    if shell::find("rustup").is_none() {
        bail!(
            "this Rust has no wasm32-unknown-unknown; install it (with rustup: rustup target add wasm32-unknown-unknown)"
        );
    }
    let mut rustup = shell::program("rustup");
    shell::quiet("rustup target add wasm32", rustup.args(["target", "add", "wasm32-unknown-unknown"]))
        .map(drop)
}

/// Makes sure that the packages of `package-lock.json` are installed.
pub(crate) fn npm_packages() -> Result<()> {
    let root = shell::root();
    if shell::find("node").is_none() || shell::find("npm").is_none() {
        bail!("the tests need Node.js 20.10 or newer with npm, and neither is on PATH");
    }
    let lock = fs::read(root.join("package-lock.json")).context("package-lock.json cannot be read")?;
    let wanted = offline::short_hash([lock.as_slice()]);
    let stamp = root.join("node_modules/.xtask-stamp");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    let mut npm = shell::program("npm");
    shell::quiet("npm ci", npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// Makes sure that Chromium is installed, and a Vulkan driver for the parity tests.
pub(crate) fn system_packages() -> Result<()> {
    let mut missing = Vec::new();
    if chromium().is_none() {
        missing.push("chromium");
    }
    if !has_vulkan_driver() {
        missing.extend(["libvulkan1", "mesa-vulkan-drivers"]);
    }
    if missing.is_empty() {
        return Ok(());
    }
    apt_install(&missing)
}

/// Returns the first of these Pythons that is installed; on Debian and derivatives also installs
/// the packages that a venv needs.
pub(crate) fn python(names: &[&str]) -> Result<PathBuf> {
    let find = || names.iter().find_map(|name| shell::find(name).filter(makes_venvs));
    if let Some(python) = find() {
        return Ok(python);
    }
    apt_install(&["python3", "python3-venv"])?;
    find().context("there is no Python that makes venvs")
}

fn makes_venvs(python: &PathBuf) -> bool {
    // A shim may stand for a version that is not installed.
    let look = shell::program(python).args(["-c", "import ensurepip, venv"]).output();
    look.is_ok_and(|output| output.status.success())
}

fn apt_install(missing: &[&str]) -> Result<()> {
    let by_hand =
        format!("apt-get update && apt-get install --yes --no-install-recommends {}", missing.join(" "));
    if shell::find("apt-get").is_none() || !is_root() {
        bail!("the tests need {}; install with:\n  sudo sh -c '{by_hand}'", missing.join(", "));
    }
    let apt = || {
        let mut apt = shell::program("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    shell::quiet("apt-get update", apt().arg("update"))?;
    let mut install = apt();
    install.args(["install", "--yes", "--no-install-recommends"]).args(missing);
    shell::quiet(&format!("apt-get install {}", missing.join(" ")), &mut install)?;
    Ok(())
}

/// Returns the Chromium that the tests use.
pub(crate) fn chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Some(PathBuf::from(path));
    }
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
        .into_iter()
        .find_map(shell::find)
}

fn has_vulkan_driver() -> bool {
    let folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];
    let listed =
        folders.iter().any(|folder| fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()));
    listed || std::env::var_os("VK_ICD_FILENAMES").is_some() || !cfg!(target_os = "linux")
}

fn is_root() -> bool {
    let id = shell::program("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
