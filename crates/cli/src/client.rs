//! From the settings of a command to the client that it uses.

use eigenpack::{Client, Location, Reference, RegistryHost, RemoteOptions};

use crate::args::ConnectionArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::{connection, credentials};

/// Makes the client of a command, after checking that it may go where its references lead.
pub(crate) async fn open(
    references: &[&Reference],
    connection: &ConnectionArgs,
    context: &Context,
) -> Result<Client, Failure> {
    let (hosts, options) = resolve(references, connection, context).await?;
    make(&hosts, options, connection, context).await
}

/// Makes the client of a command, and one for the same registries that shows nothing of who asks. What the flags name is
/// read once for both.
pub(crate) async fn open_both(
    reference: &Reference,
    connection: &ConnectionArgs,
    context: &Context,
) -> Result<(Client, Client), Failure> {
    let (hosts, options) = resolve(&[reference], connection, context).await?;
    let anonymous = connection::anonymous(&hosts, options.clone()).build();
    let client = make(&hosts, options, connection, context).await?;
    Ok((client, anonymous))
}

/// Returns the registries that references lead to, and how they are spoken to.
async fn resolve(
    references: &[&Reference],
    connection: &ConnectionArgs,
    context: &Context,
) -> Result<(Vec<RegistryHost>, RemoteOptions), Failure> {
    for reference in references {
        let is_local = matches!(reference.location, Location::Local { .. });
        if context.remote_only && is_local {
            return Err(Failure::local_reference_refused(reference));
        }
        if context.store.is_none() && is_local {
            return Err(Failure::no_home());
        }
    }
    let hosts: Vec<_> = references
        .iter()
        .filter_map(|reference| match &reference.location {
            Location::Registry { host, .. } => Some(host.clone()),
            _ => None,
        })
        .collect();
    let options = connection::options(&hosts, &connection.transport, context).await?;
    Ok((hosts, options))
}

async fn make(
    hosts: &[RegistryHost],
    options: RemoteOptions,
    connection: &ConnectionArgs,
    context: &Context,
) -> Result<Client, Failure> {
    let mut builder = Client::builder_with(options)
        .cache(!connection.no_cache)
        .observer(context.progress.clone());
    if let Some(provider) = credentials::provider(hosts, connection, context).await? {
        builder = builder.credentials(provider);
    }
    let client = match &context.store {
        Some(path) => builder.store(path).build(),
        None => builder.build(),
    };
    context.remember(&client);
    Ok(client)
}

/// Makes the client of a command that is about the local store as a whole.
pub(crate) fn open_local(context: &Context) -> Result<Client, Failure> {
    Ok(Client::builder().store(context.local_store()?).build())
}
