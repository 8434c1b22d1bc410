use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use eigenpack::oci::Digest;

/// Reads every file of every `blobs` folder, compares it with its name, and returns how many there are.
pub(crate) fn assert_every_blob_verifies(store: &Path) -> usize {
    let mut count = 0;
    if !store.exists() {
        // It is made with the first write, and nobody lived to make one.
        return count;
    }
    for_each_file(store, &mut |file| {
        if file.parent().unwrap().ends_with("blobs/sha256") {
            let digest = Digest::sha256(&fs::read(file).unwrap());
            let name = file.file_name().unwrap().to_str().unwrap();
            assert_eq!(digest.encoded(), name, "{}", file.display());
            count += 1;
        }
    });
    count
}

/// Makes everything look as if nobody had written or asked for it for so long.
pub(crate) fn make_old(store: &Path, age: Duration) {
    for_each_file(store, &mut |file| {
        let old = SystemTime::now() - age;
        File::open(file).unwrap().set_modified(old).unwrap();
    });
}

/// Lists the files in a folder and below it.
pub(crate) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for_each_file(folder, &mut |file| files.push(file.to_owned()));
    files
}

fn for_each_file(folder: &Path, act: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            for_each_file(&path, act);
        } else {
            act(&path);
        }
    }
}
