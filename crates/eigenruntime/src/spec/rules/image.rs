//! The image of a component: where it is and which one.

use eigenpack_oci::{Algorithm, Digest, NameErrorKind, RegistryHost, Repository};

use super::Document;
use crate::spec::collector::{Collector, Place};
use crate::spec::excerpt::excerpt;
use crate::spec::rule::Rule;
use crate::spec::view::Field;

/// The longest repository with its host, in characters. Docker takes no longer one.
const MAX_REGISTRY: usize = 255;

/// `malformed-digest` and `unverifiable-digest`: a `digest` is well formed, and of an algorithm that can be checked.
pub(super) fn digests(document: &Document<'_>, out: &mut Collector<'_>) {
    each_text(document, "digest", &mut |text, field| {
        let place = field.value_place();
        match text.parse::<Digest>() {
            Ok(digest) if matches!(digest.algorithm(), Algorithm::Unknown(_)) => {
                let message = format!(
                    "nothing can check a digest of `{}`",
                    excerpt(digest.algorithm().as_str())
                );
                let help = "use the image's sha256 digest";
                out.error(Rule::UnverifiableDigest, place, message, help);
            }
            Ok(_) => {}
            Err(error) => {
                let message = format!("`{}` is not a digest: {error}", excerpt(text));
                let help =
                    "copy the whole digest, for example from `docker buildx imagetools inspect`";
                out.error(Rule::MalformedDigest, place, message, help);
            }
        }
    });
}

/// `registry-scheme`, `registry-digest`, `registry-tag`, `registry-host`, `malformed-registry`: a `registry` is
/// `HOST[:PORT]/REPOSITORY` and no more, because readers append `@` and the digest.
pub(super) fn registries(document: &Document<'_>, out: &mut Collector<'_>) {
    each_text(document, "registry", &mut |text, field| {
        registry(text, &field.value_place(), out);
    });
}

fn registry(text: &str, place: &Place, out: &mut Collector<'_>) {
    let mut report = |rule, message: String, help: &str| {
        out.error(rule, place.clone(), message, help);
    };
    let shown = excerpt(text);
    let mut rest = text;
    if let Some((scheme, after)) = rest.split_once("://") {
        let message = format!("`{shown}` begins with a scheme");
        report(
            Rule::RegistryScheme,
            message,
            &format!("remove `{}://`", excerpt(scheme)),
        );
        rest = after;
    }
    if let Some((before, _)) = rest.split_once('@') {
        let message = format!("`{shown}` carries a digest");
        report(
            Rule::RegistryDigest,
            message,
            "move what follows the `@` to `digest`",
        );
        rest = before;
    }
    if let Some((before, tag)) = split_tag(rest) {
        let message = format!("`{shown}` carries the tag `{}`", excerpt(tag));
        let help = "remove the tag: the image is named by `digest` alone";
        report(Rule::RegistryTag, message, help);
        rest = before;
    }
    let (host, repository) = split_host(rest);
    if let Some(flaw) = flaw(host, repository) {
        let message = format!("`{shown}` is not a repository: {flaw}");
        report(
            Rule::MalformedRegistry,
            message,
            "write HOST[:PORT]/REPOSITORY, such as `ghcr.io/org/image`",
        );
    } else if host.is_none() {
        out.warning(
            Rule::RegistryHost,
            place.clone(),
            format!(
                "`{shown}` names no registry: Docker takes Docker Hub for it, other tools none"
            ),
            format!(
                "write the host, such as `docker.io/{}`",
                excerpt(repository)
            ),
        );
    }
}

/// Splits a tag off, as Docker does; a port is none.
fn split_tag(text: &str) -> Option<(&str, &str)> {
    let (before, tag) = text.rsplit_once(':')?;
    let is_port =
        !before.contains('/') && !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_digit());
    (!tag.contains('/') && !tag.ends_with(']') && !is_port).then_some((before, tag))
}

/// Splits a host off.
fn split_host(text: &str) -> (Option<&str>, &str) {
    let (first, rest) = text.split_once('/').unwrap_or((text, ""));
    // Without a `/`, `a.b` is a repository to Docker; but `a.b:5000` and `localhost` are hosts that lack one.
    let may_lack = text.contains('/') || first.contains(':') || first == "localhost";
    if may_lack && RegistryHost::is_meant_by(first) {
        (Some(first), rest)
    } else {
        (None, text)
    }
}

fn flaw(host: Option<&str>, repository: &str) -> Option<&'static str> {
    if let Some(Err(error)) = host.map(str::parse::<RegistryHost>) {
        return Some(match error.kind {
            NameErrorKind::Port => "the port is not a number from 1 to 65535",
            _ => "the host is not well formed",
        });
    }
    if repository.is_empty() {
        return Some("there is no name of a repository");
    }
    if host.map_or(0, str::len) + repository.len() > MAX_REGISTRY {
        return Some("it has more than 255 characters");
    }
    let error = repository.parse::<Repository>().err()?;
    Some(match error.kind {
        NameErrorKind::UpperCase => "a repository is written in lower case",
        _ => {
            "between `/` there are lower-case letters and digits, separated by `.`, `_`, `__` or `-`"
        }
    })
}

fn each_text(document: &Document<'_>, name: &str, visit: &mut dyn FnMut(&str, &Field<'_>)) {
    for component in &document.components {
        let fields = component.fields.fields().filter(|field| field.name == name);
        for field in fields {
            if let Some(text) = field.sound_text().filter(|text| !text.trim().is_empty()) {
                visit(text, &field);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<&'static str> {
        let source = crate::spec::source::Source::read(b"x").unwrap();
        let mut out = Collector::new(&source, None);
        let path = crate::spec::path::FieldPath::default();
        registry(text, &Place { span: 0..1, path }, &mut out);
        out.finish().iter().map(|fault| fault.rule.id()).collect()
    }

    #[test]
    fn a_registry_is_a_host_and_a_repository() {
        for good in [
            "ghcr.io/org/image",
            "registry.test:5000/relay/node",
            "localhost/a",
            "[::1]:5000/a__b/c--d.e_f",
            "public.ecr.aws/z6g0f8n7/eigenlayer-hourglass",
        ] {
            assert_eq!(faults(good), [""; 0], "{good}");
        }
    }

    #[test]
    fn every_excess_is_named() {
        assert_eq!(faults("https://ghcr.io/a/b"), ["registry-scheme"]);
        assert_eq!(faults("ghcr.io/a/b:latest"), ["registry-tag"]);
        assert_eq!(faults("ghcr.io:443/a/b:1"), ["registry-tag"]);
        assert_eq!(faults("ghcr.io/a/b@sha256:00"), ["registry-digest"]);
        assert_eq!(
            faults("https://ghcr.io/a/b:v1@sha256:00"),
            ["registry-scheme", "registry-tag", "registry-digest"]
        );
        assert_eq!(faults("org/image"), ["registry-host"]);
        assert_eq!(faults("image:latest"), ["registry-tag", "registry-host"]);
    }

    #[test]
    fn what_no_registry_can_hold_is_malformed() {
        for bad in [
            "registry.test:5000",
            "localhost",
            "ghcr.io/",
            "ghcr.io//a",
            "ghcr.io/a/",
            "ghcr.io/Org/image",
            "ghcr.io/a b",
            "ghcr.io/a___b",
            "ghcr.io/a.-b",
            "-a.test/b",
            "registry.test:0/a",
            "registry.test:99999/a",
            "ghcr.io:+443/a/b",
            "ghcr.io:/a/b",
            ":5000/a",
            "[::zz]:5000/a",
        ] {
            assert_eq!(faults(bad), ["malformed-registry"], "{bad}");
        }
        let long = format!("ghcr.io/{}", "a".repeat(300));
        assert_eq!(faults(&long), ["malformed-registry"]);
    }
}
