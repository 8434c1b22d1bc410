//! How old files are, and how they are made young.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::files::{open_file, open_regular};

/// Tells how long ago a file was written or its age renewed; a time in the future is now.
pub(crate) fn age(metadata: &Metadata) -> io::Result<Duration> {
    Ok(metadata.modified()?.elapsed().unwrap_or_default())
}

/// Opens a file to change its times, or to sync what others wrote to it.
pub(crate) fn open_to_touch(path: &Path) -> io::Result<File> {
    // Windows does both only through a handle that may write.
    if cfg!(windows) {
        open_regular(OpenOptions::new().write(true), path)
    } else {
        open_file(path)
    }
}

/// Makes a file as young as `now`, or as the file system's clock says where it is not ours and we may only write it.
pub(crate) fn touch(file: &File, now: SystemTime) -> io::Result<()> {
    match file.set_modified(now) {
        #[cfg(unix)]
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => touch_of_others(file),
        result => result,
    }
}

/// Only its owner may give a file any time, but whoever may write it may give it the present one.
#[cfg(unix)]
fn touch_of_others(file: &File) -> io::Result<()> {
    use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    Ok(futimens(file, &times)?)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_present_time_is_given_too() {
        let file = tempfile::tempfile().unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        touch_of_others(&file).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        assert!(modified > SystemTime::UNIX_EPOCH);
    }
}
