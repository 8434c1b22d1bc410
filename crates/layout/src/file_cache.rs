//! What was read from files lately, to be had again for the price of a look at the file.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::fs::{self, Metadata};
use std::hash::Hash;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// How long a file must have been left alone before a change of it is sure to show: the coarsest clock that file systems
/// have, that of FAT, ticks every two seconds.
pub(crate) const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// What an entry takes besides its value, in bytes, roughly.
const OVERHEAD: usize = 256;

/// Values that were read from files, as long as the files are as they were.
///
/// What takes most room is limited; what was not asked for since the last round goes first.
#[derive(Debug)]
pub(crate) struct FileCache<K, V> {
    capacity: usize,
    held: Mutex<Held<K, V>>,
    /// How often a value was given out.
    hits: AtomicU64,
}

#[derive(Debug)]
struct Held<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// The keys of all entries; the front is the next to be looked at when room is needed.
    order: VecDeque<K>,
    weight: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    stamp: Stamp,
    weight: usize,
    was_used: bool,
}

/// What tells one state of a file from all earlier and later ones.
///
/// On Unix the time of the last change counts too, which nobody can set, and the inode: a file that took another's place
/// is told apart even if somebody gave it the same times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: u64,
    modified: SystemTime,
    #[cfg(unix)]
    unix: [i128; 3],
}

/// What a file held, with the stamp it had, where it has one.
pub(crate) type Stamped<T> = (T, Option<Stamp>);

impl Stamp {
    /// Takes the stamp of a file before it is read.
    ///
    /// There is none where the file was changed just now: another change might leave the same times, since the clocks of
    /// file systems tick slowly. That also keeps an inode that is used again from being taken for the old file.
    pub(crate) fn settled(metadata: &Metadata) -> Option<Self> {
        let stamp = Self::of(metadata)?;
        let settled = SystemTime::now().checked_sub(SETTLED_AFTER)?;
        (stamp.last_change()? <= settled).then_some(stamp)
    }

    fn of(metadata: &Metadata) -> Option<Self> {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Some(Self {
            size: metadata.len(),
            modified: metadata.modified().ok()?,
            #[cfg(unix)]
            unix: [
                metadata.dev().into(),
                metadata.ino().into(),
                i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec()),
            ],
        })
    }

    /// Returns the time of the last change, of whatever kind.
    fn last_change(&self) -> Option<SystemTime> {
        #[cfg(unix)]
        {
            let [_, _, changed] = self.unix;
            let since_epoch = Duration::from_nanos(u64::try_from(changed).ok()?);
            let changed = SystemTime::UNIX_EPOCH.checked_add(since_epoch)?;
            Some(changed.max(self.modified))
        }
        #[cfg(not(unix))]
        Some(self.modified)
    }
}

impl<K: Clone + Eq + Hash, V: Clone> FileCache<K, V> {
    /// Makes a cache of at most `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        let held = Held {
            entries: HashMap::new(),
            order: VecDeque::new(),
            weight: 0,
        };
        Self {
            capacity,
            held: Mutex::new(held),
            hits: AtomicU64::new(0),
        }
    }

    /// Returns a value if the file at `path` is still the one that it was read from, unchanged.
    ///
    /// The look at the file is all that blocks: of a file that was read lately everything it needs is in the kernel's
    /// memory, so it takes a microsecond, where the change to a thread that may block would take ten.
    pub(crate) fn get<Q>(&self, key: &Q, path: &Path) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let (value, stamp) = {
            let mut held = self.lock();
            let entry = held.entries.get_mut(key)?;
            entry.was_used = true;
            (entry.value.clone(), entry.stamp.clone())
        };
        let found = fs::metadata(path).ok()?;
        if Stamp::of(&found)? != stamp {
            return None;
        }
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(value)
    }

    /// Returns how often a value was given out.
    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Holds a value that takes `size` bytes, where there is a stamp of its file and room for it.
    pub(crate) fn hold(&self, key: K, value: V, size: usize, stamp: Option<Stamp>) {
        let weight = size.saturating_add(OVERHEAD);
        let Some(stamp) = stamp.filter(|_| weight <= self.capacity) else {
            return;
        };
        let mut held = self.lock();
        let entry = Entry {
            value,
            stamp,
            weight,
            was_used: false,
        };
        held.weight += weight;
        match held.entries.insert(key.clone(), entry) {
            Some(replaced) => held.weight -= replaced.weight,
            None => held.order.push_back(key),
        }
        while held.weight > self.capacity {
            held.make_room();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held<K, V>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Held<K, V> {
    /// Lets the oldest entry go, or gives it another round if it was used in this one.
    fn make_room(&mut self) {
        let Some(key) = self.order.pop_front() else {
            self.weight = 0;
            return;
        };
        match self.entries.get_mut(&key) {
            Some(entry) if entry.was_used => {
                entry.was_used = false;
                self.order.push_back(key);
            }
            _ => {
                if let Some(gone) = self.entries.remove(&key) {
                    self.weight -= gone.weight;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use tempfile::TempDir;

    /// A file that was written long enough ago, as far as one can tell from its times.
    fn old_file(directory: &TempDir, name: &str) -> std::path::PathBuf {
        let path = directory.path().join(name);
        fs::write(&path, name).unwrap();
        make_old(&path);
        path
    }

    fn make_old(path: &Path) {
        let old = SystemTime::now() - SETTLED_AFTER * 2;
        File::open(path).unwrap().set_modified(old).unwrap();
    }

    /// The stamp of a file now, as if it had lain for long.
    fn stamp(path: &Path) -> Option<Stamp> {
        Stamp::of(&fs::metadata(path).unwrap())
    }

    #[test]
    fn a_file_that_was_just_written_has_no_stamp() {
        let directory = TempDir::new().unwrap();
        let path = old_file(&directory, "file");
        // Its time of change cannot be set, and is now.
        let settled = Stamp::settled(&fs::metadata(&path).unwrap());
        assert_eq!(settled.is_some(), cfg!(not(unix)));
        std::thread::sleep(SETTLED_AFTER);
        assert_eq!(Stamp::settled(&fs::metadata(&path).unwrap()), stamp(&path));
    }

    #[test]
    fn a_changed_file_is_not_the_one_that_was_read() {
        let directory = TempDir::new().unwrap();
        let path = old_file(&directory, "file");
        let cache = FileCache::new(1024);
        let hold = || cache.hold(1, "value", 5, stamp(&path));
        hold();
        assert_eq!(cache.get(&1, &path), Some("value"));
        assert_eq!(cache.get(&2, &path), None);
        // Written in place, with the same size and the same time of modification.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        fs::write(&path, "elif").unwrap();
        File::open(&path).unwrap().set_modified(modified).unwrap();
        assert_eq!(cache.get(&1, &path).is_some(), cfg!(not(unix)));
        hold();
        assert!(cache.get(&1, &path).is_some());
        // Replaced by a file that looks the same.
        let other = old_file(&directory, "next");
        File::open(&other).unwrap().set_modified(modified).unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(cache.get(&1, &path).is_some(), cfg!(not(unix)));
        hold();
        fs::remove_file(&path).unwrap();
        assert_eq!(cache.get(&1, &path), None);
    }

    #[test]
    fn the_cap_holds_and_what_is_used_stays() {
        let directory = TempDir::new().unwrap();
        let path = old_file(&directory, "file");
        let room = 4 * (OVERHEAD + 100);
        let cache = FileCache::new(room);
        cache.hold(0, 0, 100, stamp(&path));
        for n in 1..100 {
            assert_eq!(cache.get(&0, &path), Some(0), "{n}");
            cache.hold(n, n, 100, stamp(&path));
            let held = cache.lock();
            let weight: usize = held.entries.values().map(|entry| entry.weight).sum();
            assert_eq!(weight, held.weight);
            assert!(weight <= room);
            assert_eq!(held.order.len(), held.entries.len());
        }
        cache.hold(0, 7, 100, stamp(&path));
        assert_eq!(cache.get(&0, &path), Some(7));
        cache.hold(1000, 1000, room, stamp(&path));
        assert_eq!(cache.get(&1000, &path), None, "larger than all the room");
        cache.hold(1001, 1001, 100, None);
        assert_eq!(cache.get(&1001, &path), None);
    }
}
