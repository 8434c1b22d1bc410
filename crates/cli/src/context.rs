//! What every command is given: settings, the environment, and where to say things.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eigenpack::Client;

use crate::args::{Format, GlobalArgs};
use crate::configuration::ConfigurationFile;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::clean;
use crate::stderr::say;

/// The resolved settings of this run.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) format: Format,
    pub(crate) environment: Environment,
    pub(crate) progress: Arc<Progress>,
    pub(crate) store: Option<PathBuf>,
    pub(crate) configuration: Option<ConfigurationFile>,
    /// The files and directories that flags of every command name.
    pub(crate) given_paths: Vec<(&'static str, PathBuf)>,
    pub(crate) quiet: bool,
    verbose: bool,
    pub(crate) remote_only: bool,
    /// The clients that were made, to be told when their work was given up.
    clients: Mutex<Vec<Client>>,
}

impl Context {
    pub(crate) fn new(
        global: GlobalArgs,
        environment: Environment,
        progress: Arc<Progress>,
    ) -> Self {
        let given = [("store", &global.store), ("config", &global.config)];
        let given_paths = given
            .into_iter()
            .filter_map(|(name, path)| Some((name, path.clone()?)))
            .collect();
        let store = global.store.or_else(|| environment.store.clone());
        let configuration = ConfigurationFile::find(global.config, &environment);
        let remote_only = global.remote_only || environment.remote_only;
        Self {
            format: global.format,
            environment,
            progress,
            store,
            configuration,
            given_paths,
            quiet: global.quiet,
            verbose: global.verbose > 0,
            remote_only,
            clients: Mutex::default(),
        }
    }

    /// Keeps a client, to be told when its work was given up.
    pub(crate) fn remember(&self, client: &Client) {
        let clients = self.clients.lock();
        let mut clients = clients.unwrap_or_else(PoisonError::into_inner);
        clients.push(client.clone());
    }

    /// Cancels the uploads that were given up, as far as `time` allows.
    pub(crate) async fn cancel_uploads(&self, time: Duration) {
        let clients = self.clients.lock();
        let clients = clients.unwrap_or_else(PoisonError::into_inner).clone();
        let cancels = async {
            for client in clients {
                client.cancel_uploads().await;
            }
        };
        // Registries throw away what is left.
        let _ = tokio::time::timeout(time, cancels).await;
    }

    /// Returns where the local store is, or says that no place for it is known.
    pub(crate) fn local_store(&self) -> Result<&Path, Failure> {
        self.store.as_deref().ok_or_else(Failure::no_home)
    }

    /// Returns where the local store is.
    pub(crate) fn store_path(&self) -> String {
        self.store
            .as_ref()
            .map(|path| path.display().to_string())
            .unwrap_or_default()
    }

    /// Says what only those who ask for more want to know.
    pub(crate) fn detail(&self, text: impl fmt::Display) {
        if self.verbose {
            say(format_args!("{}\n", clean(&text.to_string())));
        }
    }

    /// Says something about what is going on; `-q` leaves it out.
    pub(crate) fn status(&self, text: impl fmt::Display) {
        if !self.quiet {
            say(format_args!("{text}\n"));
        }
    }
}
