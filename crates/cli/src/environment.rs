//! Everything that is read from the environment: the one place that asks for it.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{IsTerminal as _, stderr, stdin, stdout};
use std::path::PathBuf;

use eigenpack::credentials::Places;

/// What the process was given besides its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// The value of `SOURCE_DATE_EPOCH`, where it is set and not empty.
    pub(crate) source_date_epoch: Option<OsString>,
    /// Where the local store is: `EIGENPACK_STORE`, else a directory below the user's home, where one is known.
    pub(crate) store: Option<PathBuf>,
    /// The configuration file that `EIGENPACK_CONFIG` names.
    pub(crate) configuration: Option<PathBuf>,
    /// Where the configuration file is unless somebody names another; there need not be one.
    pub(crate) default_configuration: Option<PathBuf>,
    /// The user's home, where one is known.
    pub(crate) home: Option<PathBuf>,
    /// Whether `EIGENPACK_REMOTE_ONLY` is set to anything but a word for no.
    pub(crate) remote_only: bool,
    /// The proxy for http: `HTTP_PROXY`, or the same in lower case.
    pub(crate) http_proxy: Option<ProxyVariable>,
    /// The proxy for https: `HTTPS_PROXY`, or the same in lower case.
    pub(crate) https_proxy: Option<ProxyVariable>,
    /// The hosts that are reached without a proxy: `NO_PROXY`, or the same in lower case.
    pub(crate) no_proxy: String,
    /// Where Docker and Podman keep credentials.
    pub(crate) credentials: Places,
    /// Whether a line on stderr can be drawn over.
    pub(crate) stderr_is_drawable: bool,
    /// What is connected to the standard streams.
    pub(crate) terminal: Terminal,
}

/// A variable that names a proxy. Its value may hold a password.
#[derive(Clone)]
pub(crate) struct ProxyVariable {
    pub(crate) name: &'static str,
    pub(crate) value: OsString,
}

/// What is known of the standard streams.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Terminal {
    /// Whether stdin is a terminal.
    pub(crate) on_stdin: bool,
    /// Whether stderr is one, so that somebody can read what is waited for.
    pub(crate) on_stderr: bool,
    /// Whether colours may be used on stdout.
    pub(crate) stdout_colors: bool,
    /// Whether colours may be used on stderr.
    pub(crate) stderr_colors: bool,
}

impl Environment {
    /// Reads it.
    pub(crate) fn read() -> Self {
        let is_dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        let colors = variable("NO_COLOR").is_none() && !is_dumb;
        let forced = variable("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        Self {
            source_date_epoch: variable("SOURCE_DATE_EPOCH"),
            store: variable("EIGENPACK_STORE")
                .map(PathBuf::from)
                .or_else(default_store),
            configuration: variable("EIGENPACK_CONFIG").map(PathBuf::from),
            default_configuration: default_configuration(),
            home: home(),
            remote_only: variable("EIGENPACK_REMOTE_ONLY").is_some_and(|value| {
                !["0", "false", "no", "off"]
                    .iter()
                    .any(|no| value.eq_ignore_ascii_case(no))
            }),
            http_proxy: proxy("HTTP_PROXY", "http_proxy"),
            https_proxy: proxy("HTTPS_PROXY", "https_proxy"),
            no_proxy: variable("NO_PROXY")
                .or_else(|| variable("no_proxy"))
                .map(|value| value.to_string_lossy().into_owned())
                .unwrap_or_default(),
            credentials: Places::from_environment(),
            stderr_is_drawable: stderr().is_terminal() && !is_dumb,
            terminal: Terminal {
                on_stdin: stdin().is_terminal(),
                on_stderr: stderr().is_terminal(),
                stdout_colors: colors && (forced || stdout().is_terminal()),
                stderr_colors: colors && (forced || stderr().is_terminal()),
            },
        }
    }
}

/// Returns a variable that is set and not empty.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the first of two variables that is set; in capitals first, as the other programs for registries have it.
fn proxy(capitals: &'static str, small: &'static str) -> Option<ProxyVariable> {
    [capitals, small].into_iter().find_map(|name| {
        let value = variable(name)?;
        Some(ProxyVariable { name, value })
    })
}

impl fmt::Debug for ProxyVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Returns the user's home.
fn home() -> Option<PathBuf> {
    env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

/// Returns a directory of the XDG specification, or its default below the user's home.
fn xdg_directory(name: &str, default: &str) -> Option<PathBuf> {
    // The specification says to ignore a relative path.
    let set = variable(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    set.or_else(|| home().map(|home| home.join(default)))
}

/// Returns where a user's configuration file is; on macOS too, as the other programs for registries have it.
fn default_configuration() -> Option<PathBuf> {
    let directory = if cfg!(windows) {
        variable("APPDATA").map(PathBuf::from)
    } else {
        xdg_directory("XDG_CONFIG_HOME", ".config")
    };
    directory.map(|directory| directory.join("eigenpack/config.toml"))
}

/// Returns the platform's directory for a program's data, with our name.
fn default_store() -> Option<PathBuf> {
    let data = if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Application Support"))
    } else if cfg!(windows) {
        variable("LOCALAPPDATA").map(PathBuf::from)
    } else {
        xdg_directory("XDG_DATA_HOME", ".local/share")
    };
    data.map(|data| data.join("eigenpack"))
}
