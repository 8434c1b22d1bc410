//! The content of `index.json`, and every change that is made to it; no file is touched here.
//!
//! Every manifest has an entry, tagged or not, so that none is lost to a collector of garbage. What other tools wrote
//! survives: fields that are not known, and entries that are not understood.

use std::collections::BTreeMap;

use eigenpack_oci::{Descriptor, Digest, MediaType, Precondition, PushError, Tag, TagOrDigest};
use serde_json::value::RawValue;

use crate::json_object::{JsonObject, raw};

/// The annotation that holds a tag (image specification, `annotations.md`).
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// An image index that is used as the table of contents of a layout (image specification, `image-layout.md`).
#[derive(Debug)]
pub(crate) struct Index {
    /// All fields but `manifests`, whose place it keeps.
    object: JsonObject,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    raw: Box<RawValue>,
    /// `None` where the entry is not a descriptor that is understood: it is kept, and otherwise ignored.
    descriptor: Option<Descriptor>,
}

/// A tag that is not as a precondition demanded, and what it names instead.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) tag: Tag,
    pub(crate) found: Option<Digest>,
}

impl From<Conflict> for PushError {
    fn from(Conflict { tag, found }: Conflict) -> Self {
        Self::Conflict { tag, found }
    }
}

impl Index {
    /// Makes an index without entries.
    pub(crate) fn empty() -> Self {
        let mut object = JsonObject::default();
        object.set("schemaVersion", raw(&2));
        object.set("mediaType", raw(&MediaType::IMAGE_INDEX));
        Self {
            object,
            entries: Vec::new(),
        }
    }

    /// Reads an index.
    pub(crate) fn parse(bytes: &[u8]) -> serde_json::Result<Self> {
        let mut object: JsonObject = serde_json::from_slice(bytes)?;
        let entries: Vec<Box<RawValue>> = object.read("manifests")?.unwrap_or_default();
        let entries = entries.into_iter().map(|raw| Entry {
            descriptor: serde_json::from_str(raw.get()).ok(),
            raw,
        });
        let entries = entries.collect();
        // They are kept once; the field keeps its place.
        object.set("manifests", raw::<[(); 0]>(&[]));
        Ok(Self { object, entries })
    }

    /// Writes the index.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let entries: Vec<_> = self.entries.iter().map(|entry| &entry.raw).collect();
        let mut object = self.object.clone();
        object.set("manifests", raw(&entries));
        raw(&object).get().as_bytes().to_vec()
    }

    /// Returns how many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Finds the manifest that a tag or digest names; of several entries, the first counts.
    pub(crate) fn find(&self, which: &TagOrDigest) -> Option<&Descriptor> {
        self.descriptors().find(|descriptor| match which {
            TagOrDigest::Tag(tag) => ref_name(descriptor) == Some(tag.as_str()),
            TagOrDigest::Digest(digest) => descriptor.digest == *digest,
        })
    }

    /// Lists the tags in byte order; names that are not tags, such as whole references, are left out.
    pub(crate) fn tags(&self) -> Vec<Tag> {
        let names = self.descriptors().filter_map(ref_name);
        let mut tags: Vec<Tag> = names.filter_map(|name| name.parse().ok()).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Lists the manifests, each once.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &Descriptor> {
        let by_digest: BTreeMap<_, _> = self.descriptors().map(|d| (&d.digest, d)).collect();
        by_digest.into_values()
    }

    /// Tells whether tags may be moved to a manifest.
    pub(crate) fn check(
        &self,
        manifest: &Digest,
        tags: &[Tag],
        precondition: &Precondition,
    ) -> Result<(), Conflict> {
        for tag in tags {
            let found = self.find(&tag.clone().into()).map(|found| &found.digest);
            if !precondition.allows(found, manifest) {
                return Err(Conflict {
                    tag: tag.clone(),
                    found: found.cloned(),
                });
            }
        }
        Ok(())
    }

    /// Gives a manifest an entry and moves tags to it; tells whether anything changed.
    pub(crate) fn put(&mut self, manifest: &Descriptor, tags: &[Tag]) -> bool {
        let mut changed = false;
        for tag in tags {
            changed |= self.untag(tag, Some(&manifest.digest));
            changed |= self.tag(manifest, tag);
        }
        if self.find(&manifest.digest.clone().into()).is_none() {
            self.entries.push(Entry::new(manifest.clone()));
            changed = true;
        }
        changed
    }

    /// Removes a tag; its manifest stays. Tells whether the tag was there.
    pub(crate) fn remove_tag(&mut self, tag: &Tag) -> bool {
        self.untag(tag, None)
    }

    /// Removes a manifest with all its tags; tells whether it was there.
    pub(crate) fn remove_manifest(&mut self, digest: &Digest) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.digest() != Some(digest));
        self.entries.len() < before
    }

    /// Lists the entries that are not understood, as they were written.
    pub(crate) fn not_understood(&self) -> impl Iterator<Item = &[u8]> {
        let entries = self.entries.iter();
        entries
            .filter(|entry| entry.descriptor.is_none())
            .map(|entry| entry.raw.get().as_bytes())
    }

    fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.entries
            .iter()
            .filter_map(|entry| entry.descriptor.as_ref())
    }

    /// Adds the tag to a manifest, on its untagged entry where it has one.
    fn tag(&mut self, manifest: &Descriptor, tag: &Tag) -> bool {
        let mut ours = self
            .entries
            .iter_mut()
            .filter(|entry| entry.digest() == Some(&manifest.digest));
        if ours.any(|entry| entry.name() == Some(tag.as_str())) {
            return false;
        }
        let untagged = self
            .entries
            .iter_mut()
            .find(|entry| entry.digest() == Some(&manifest.digest) && entry.name().is_none());
        if let Some(entry) = untagged {
            entry.rename(Some(tag));
        } else {
            let mut tagged = manifest.clone();
            let name = tag.as_str().to_owned();
            tagged.annotations.insert(REF_NAME.to_owned(), name);
            self.entries.push(Entry::new(tagged));
        }
        true
    }

    /// Takes the tag from all manifests but one; those whose only entry it was keep an untagged one.
    fn untag(&mut self, tag: &Tag, keep: Option<&Digest>) -> bool {
        let mut changed = false;
        let mut at = 0;
        while at < self.entries.len() {
            let entry = &self.entries[at];
            if entry.name() == Some(tag.as_str()) && entry.digest() != keep {
                changed = true;
                let of_same = |other: &&Entry| other.digest() == entry.digest();
                if self.entries.iter().filter(of_same).count() > 1 {
                    self.entries.remove(at);
                    continue;
                }
                self.entries[at].rename(None);
            }
            at += 1;
        }
        changed
    }
}

impl Entry {
    fn new(descriptor: Descriptor) -> Self {
        Self {
            raw: raw(&descriptor),
            descriptor: Some(descriptor),
        }
    }

    fn digest(&self) -> Option<&Digest> {
        self.descriptor.as_ref().map(|d| &d.digest)
    }

    fn name(&self) -> Option<&str> {
        self.descriptor.as_ref().and_then(ref_name)
    }

    /// Changes the tag in the entry as it was written, and nothing else of it.
    fn rename(&mut self, tag: Option<&Tag>) {
        let Some(descriptor) = &mut self.descriptor else {
            return;
        };
        match tag {
            Some(tag) => {
                let name = tag.as_str().to_owned();
                descriptor.annotations.insert(REF_NAME.to_owned(), name);
            }
            None => {
                descriptor.annotations.remove(REF_NAME);
            }
        }
        self.raw = match serde_json::from_str::<JsonObject>(self.raw.get()) {
            Ok(mut object) => {
                if descriptor.annotations.is_empty() {
                    object.remove("annotations");
                } else {
                    object.set("annotations", raw(&descriptor.annotations));
                }
                raw(&object)
            }
            Err(_) => raw(descriptor),
        };
    }
}

fn ref_name(descriptor: &Descriptor) -> Option<&str> {
    descriptor.annotations.get(REF_NAME).map(String::as_str)
}

#[cfg(test)]
mod tests;
