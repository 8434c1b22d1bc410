//! `inspect`, `manifest`, `config`, `resolve`: what is stored, as it is stored.

use eigenpack::CREATED_ANNOTATION;
use eigenpack::oci::{Manifest, RawManifest};
use eigenpack::spec::RuntimeSpec;
use eigenpack::{Client, PulledArtifact, Reference};

use super::Outcome;
use crate::args::{ConfigArgs, InspectArgs, ManifestArgs, RawPart, ResolveArgs};
use crate::client;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::report::{
    Check, ContentReport, Identity, InspectReport, InspectedComponent, InspectedConfig,
    InspectedSpec, Report, ResolveReport,
};

pub(super) async fn manifest(args: &ManifestArgs, context: &Context) -> Result<Outcome, Failure> {
    let client = client::open(&[&args.reference], &args.connection, context).await?;
    let raw = fetch_manifest(&client, &args.reference).await?;
    Ok(Outcome::from(manifest_content(&args.reference, &raw)))
}

pub(super) async fn config(args: &ConfigArgs, context: &Context) -> Result<Outcome, Failure> {
    let client = client::open(&[&args.reference], &args.connection, context).await?;
    explain_missing_selector(&client, &args.reference).await?;
    let config = client
        .config(&args.reference)
        .await
        .map_err(|error| Failure::config(&error, &args.reference))?;
    let descriptor = &config.descriptor;
    Ok(Outcome::from(Report::Content(ContentReport::new(
        &args.reference,
        &descriptor.digest,
        descriptor.media_type.as_str(),
        config.bytes,
    ))))
}

pub(super) async fn resolve(args: &ResolveArgs, context: &Context) -> Result<Outcome, Failure> {
    let client = client::open(&[&args.reference], &args.connection, context).await?;
    // What is there now is the question, so only the registry can answer it.
    let client = client.without_cache();
    let raw = fetch_manifest(&client, &args.reference).await?;
    let identity = Identity::new(&args.reference, raw.digest());
    if args.bytes32 && identity.bytes32.is_none() {
        return Err(Failure::new(
            ExitCode::No,
            "no-bytes32",
            format!(
                "{} is not a sha256 digest, and only that fits into bytes32",
                raw.digest()
            ),
        ));
    }
    let created = match Manifest::read(&raw) {
        Ok(Manifest::Image(image)) => image.annotations.get(CREATED_ANNOTATION).cloned(),
        Ok(Manifest::Index(index)) => index.annotations.get(CREATED_ANNOTATION).cloned(),
        Err(_) => None,
    };
    let as_bytes32 = args.bytes32;
    Ok(Outcome::from(Report::Resolve(ResolveReport {
        identity,
        created,
        as_bytes32,
    })))
}

pub(super) async fn inspect(args: &InspectArgs, context: &Context) -> Result<Outcome, Failure> {
    let client = client::open(&[&args.reference], &args.connection, context).await?;
    explain_missing_selector(&client, &args.reference).await?;
    let pulled = client
        .pull(&args.reference)
        .await
        .map_err(|error| Failure::read(&error, &args.reference))?;
    let stored = |descriptor: &eigenpack::oci::Descriptor, bytes: &bytes::Bytes| {
        let media_type = descriptor.media_type.as_str();
        Report::Content(ContentReport::new(
            &args.reference,
            &descriptor.digest,
            media_type,
            bytes.clone(),
        ))
    };
    Ok(Outcome::from(match args.raw {
        Some(RawPart::Manifest) => manifest_content(&args.reference, pulled.raw_manifest()),
        Some(RawPart::Config) => stored(&pulled.manifest().config, pulled.config_bytes()),
        Some(RawPart::Spec) => stored(&pulled.manifest().spec, pulled.spec()),
        None => Report::Inspect(Box::new(report(&args.reference, &pulled))),
    }))
}

fn manifest_content(reference: &Reference, raw: &RawManifest) -> Report {
    let media_type = raw.media_type().as_str();
    Report::Content(ContentReport::new(
        reference,
        raw.digest(),
        media_type,
        raw.bytes().clone(),
    ))
}

async fn fetch_manifest(client: &Client, reference: &Reference) -> Result<RawManifest, Failure> {
    explain_missing_selector(client, reference).await?;
    client
        .manifest(reference)
        .await
        .map_err(|error| Failure::read(&error, reference))
}

/// Refuses a reference that says neither tag nor digest, and lists what it could have said.
pub(super) async fn explain_missing_selector(
    client: &Client,
    reference: &Reference,
) -> Result<(), Failure> {
    if reference.selector.tag_or_digest().is_some() {
        return Ok(());
    }
    let failure = Failure::new(
        ExitCode::Usage,
        "no-selector",
        format!("{reference} has neither a tag nor a digest; latest is never implied"),
    );
    let tags = client.tags(&reference.location).await.unwrap_or_default();
    let Some(first) = tags.first() else {
        return Err(failure.hint(format!("add a tag, for example {reference}:opset-0-v0")));
    };
    let shown: Vec<&str> = tags.iter().take(5).map(eigenpack::Tag::as_str).collect();
    let more = if tags.len() > shown.len() {
        ", …"
    } else {
        ""
    };
    Err(failure.hint(format!(
        "add one of its tags ({}{more}), for example {reference}:{first}",
        shown.join(", ")
    )))
}

fn report(reference: &Reference, pulled: &PulledArtifact) -> InspectReport {
    let raw = pulled.raw_manifest();
    let manifest = pulled.manifest();
    let check = pulled.report(None);
    let spec = check.spec.as_ref();
    let owned = |text: Option<&str>| text.map(str::to_owned);
    InspectReport {
        identity: Identity::new(reference, pulled.digest()),
        created: pulled.config().created().map(str::to_owned),
        media_type: raw.media_type().to_string(),
        size: raw.bytes().len() as u64,
        artifact_type: manifest.artifact_type.as_ref().map(ToString::to_string),
        annotations: manifest.annotations.clone(),
        config: InspectedConfig {
            digest: manifest.config.digest.to_string(),
            size: manifest.config.size,
            media_type: manifest.config.media_type.to_string(),
            content: serde_json::from_slice(pulled.config_bytes()).unwrap_or_default(),
        },
        spec: InspectedSpec {
            digest: manifest.spec.digest.to_string(),
            size: manifest.spec.size,
            media_type: manifest.spec.media_type.to_string(),
            annotations: manifest.spec.annotations.clone(),
            name: owned(spec.and_then(|spec| spec.name())),
            version: owned(spec.and_then(|spec| spec.version())),
            kind: owned(spec.and_then(|spec| spec.kind())),
            components: spec
                .map(RuntimeSpec::components)
                .unwrap_or_default()
                .iter()
                .map(|component| InspectedComponent {
                    name: component.name().to_owned(),
                    registry: owned(component.registry()),
                    digest: owned(component.digest_text()),
                })
                .collect(),
            check: Check::from(&check.faults),
        },
    }
}
